"""The stream of crops: what an example looks like, what it depends on, and that it can be
resumed.
"""

import importlib.metadata
import json
import multiprocessing
import os
import pathlib
import subprocess
import sys
import time
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from jaxcodec import data
from jaxcodec.data.pipeline import cut, random_crop
from jaxcodec.errors import DataError

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def take(iterator, count):
    return np.stack([next(iterator)["image"] for _ in range(count)])


def numbers(batches):
    """The numbers of the flat images that a stack of batches was made of, in order."""
    return batches[..., 0, 0, 0].ravel().tolist()


def test_batches_are_uint8_crops_of_the_images(folder):
    dataset = data.open_folder(folder)
    batches = take(data.training_batches(dataset, batch_size=4, crop=32, seed=0), 6)
    assert (batches.shape, batches.dtype) == ((6, 4, 32, 32, 3), np.uint8)

    def windows(path):
        pixels = dataset.read(path)
        views = np.lib.stride_tricks.sliding_window_view(pixels, (32, 32, 3)).reshape(-1, 32, 32, 3)
        return {view.tobytes() for view in views}

    possible = set().union(*map(windows, dataset.train))
    flipped = [crop.tobytes() not in possible for crop in batches.reshape(-1, 32, 32, 3)]
    upright = [
        np.ascontiguousarray(crop[:, ::-1]).tobytes() not in possible
        for crop in batches.reshape(-1, 32, 32, 3)
    ]
    assert all(one != other for one, other in zip(flipped, upright, strict=True))
    assert 4 <= sum(flipped) <= 20


def test_each_epoch_shows_every_image_once_in_another_order(numbered):
    batches = data.training_batches(data.open_folder(numbered), batch_size=4, crop=8, seed=3)
    epochs = [numbers(take(batches, 4)) for _ in range(3)]
    assert all(sorted(epoch) == list(range(16)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]


def test_an_epoch_may_end_inside_a_batch(numbered):
    batches = data.training_batches(data.open_folder(numbered), batch_size=5, crop=8, seed=3)
    drawn = numbers(take(batches, 16))
    assert all(sorted(drawn[start : start + 16]) == list(range(16)) for start in range(0, 80, 16))


def test_large_images_come_up_more_often_up_to_the_cap(tmp_path):
    for level, side in enumerate((8, 16, 24, 64)):  # 1/4, 1, 2.25 and 16 times the reference
        Image.fromarray(np.full((side, side), level, np.uint8)).save(tmp_path / f"{level}.png")
    options = {"batch_size": 12, "crop": 4, "seed": 0, "reference_pixels": 256}
    batches = data.training_batches(data.open_folder(tmp_path), **options)
    assert np.bincount(numbers(take(batches, 1))).tolist() == [1, 1, 2, 8]


def test_the_stream_depends_on_the_seed_alone(folder):
    def stream(seed, **options):
        return take(
            data.training_batches(
                data.open_folder(folder, **options), batch_size=4, crop=32, seed=seed
            ),
            5,
        )

    assert np.array_equal(stream(5), stream(5))
    assert np.array_equal(stream(5), stream(5, cache_gib=0, decode_all=False))
    assert not np.array_equal(stream(5), stream(6))


@pytest.mark.parametrize("processes", [2, 4])
def test_processes_share_the_global_batch(folder, processes):
    dataset = data.open_folder(folder)
    options = {"batch_size": 8, "crop": 16, "seed": 2}
    whole = take(data.training_batches(dataset, **options), 5)
    parts = [
        take(
            data.training_batches(dataset, **options, process_index=index, process_count=processes),
            5,
        )
        for index in range(processes)
    ]
    assert np.array_equal(np.concatenate(parts, axis=1), whole)


def test_resuming_repeats_the_stream_exactly(folder):
    def start():
        return data.training_batches(
            data.open_folder(folder), batch_size=4, crop=32, seed=9, min_scale=0.5
        )

    whole = take(start(), 12)
    interrupted = start()
    take(interrupted, 7)
    position = json.loads(json.dumps(interrupted.get_state()))
    resumed = start()
    take(resumed, 2)
    resumed.set_state(position)
    assert np.array_equal(take(resumed, 5), whole[7:])
    interrupted.set_state(position)
    assert np.array_equal(take(interrupted, 5), whole[7:])


def test_a_position_fits_any_number_of_processes(folder):
    dataset = data.open_folder(folder)
    whole = data.training_batches(dataset, batch_size=8, crop=16, seed=2)
    take(whole, 3)
    half = data.training_batches(
        dataset, batch_size=8, crop=16, seed=2, process_index=1, process_count=2
    )
    half.set_state(whole.get_state())
    assert np.array_equal(take(half, 2), take(whole, 2)[:, 4:])


def test_worker_processes_give_the_same_stream(folder):
    def start(workers):
        return data.training_batches(
            data.open_folder(folder), batch_size=4, crop=32, seed=4, workers=workers
        )

    whole = take(start(0), 6)
    worked = start(2)
    assert np.array_equal(take(worked, 3), whole[:3])
    position = worked.get_state()
    take(worked, 1)
    worked.set_state(position)
    assert np.array_equal(take(worked, 3), whole[3:])


def test_small_images_are_extended_by_reflection(tmp_path):
    column = np.arange(5, dtype=np.uint8)[:, None]
    Image.fromarray(np.repeat(column, 20, axis=1)).save(tmp_path / "low.png")
    batch = next(data.training_batches(data.open_folder(tmp_path), batch_size=2, crop=12, seed=0))[
        "image"
    ]
    assert batch.shape == (2, 12, 12, 3)
    assert batch[0, :, 0, 0].tolist() == [0, 1, 2, 3, 4, 3, 2, 1, 0, 1, 2, 3]


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (2, 3)])
def test_the_smallest_images_fill_a_crop(shape):
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    square = random_crop(pixels, 8, 1.0, np.random.default_rng(1))
    assert square.shape == (8, 8, 3)
    assert {tuple(pixel) for pixel in square.reshape(-1, 3)} == {
        tuple(pixel) for pixel in pixels.reshape(-1, 3)
    }


def test_crops_reach_every_corner_and_both_orientations():
    pixels = np.zeros((6, 7, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = np.indices((6, 7))
    rng = np.random.default_rng(0)
    crops = [random_crop(pixels, 4, 1.0, rng) for _ in range(400)]
    seen = {(crop[0, :, 1].min(), crop[0, 0, 0], crop[0, 0, 1] > crop[0, 1, 1]) for crop in crops}
    assert seen == {
        (left, top, flip) for left in range(4) for top in range(3) for flip in (False, True)
    }


def test_shrinking_covers_more_of_the_image_and_never_enlarges(photo):
    ramp = np.broadcast_to(np.arange(0, 250, dtype=np.uint8)[None, :, None], (250, 250, 3))
    rng = np.random.default_rng(0)
    crops = [random_crop(ramp, 64, 0.5, rng) for _ in range(200)]
    slopes = np.array([abs(int(crop[32, 60, 0]) - int(crop[32, 4, 0])) / 56 for crop in crops])
    assert slopes.min() >= 0.98 and slopes.min() < 1.1
    assert slopes.max() <= 2.02 and slopes.max() > 1.8
    small = photo[:70, :64]
    assert any(
        np.array_equal(random_crop(small, 64, 0.5, rng), small[top : top + 64])
        for top in range(7)
        for _ in range(20)
    )


def test_cut_inside_the_image_is_a_view(photo):
    assert np.shares_memory(cut(photo, 10, 20, 30), photo)
    assert np.array_equal(cut(photo, 10, 20, 30), photo[10:40, 20:50])


def test_validation_crops_are_central_and_repeatable(folder):
    dataset = data.open_folder(folder, validation_images=3)
    crops = data.validation_crops(dataset, 32, 8)
    assert (crops.shape, crops.dtype) == ((3, 32, 32, 3), np.uint8)
    pixels = dataset.read(dataset.validation[1])
    top, left = (pixels.shape[0] - 32) // 2, (pixels.shape[1] - 32) // 2
    assert np.array_equal(crops[1], pixels[top : top + 32, left : left + 32])
    assert np.array_equal(data.validation_crops(dataset, 32, 2), crops[:2])
    assert data.validation_crops(dataset, 100, 1).shape == (1, 100, 100, 3)


def test_settings_that_cannot_be_met_are_errors(folder):
    dataset = data.open_folder(folder)
    with pytest.raises(DataError, match="a batch of 9 cannot be divided among 2 processes"):
        data.training_batches(dataset, batch_size=9, crop=8, seed=0, process_count=2)
    with pytest.raises(DataError, match="factor of 0"):
        data.training_batches(dataset, batch_size=8, crop=8, seed=0, min_scale=0)


OLD_GRAIN = tuple(map(int, importlib.metadata.version("grain").split(".")[:3])) < (0, 2, 13)
one_worker = pytest.param(
    1,
    marks=pytest.mark.skipif(
        OLD_GRAIN, reason="Grain before 0.2.13 loses the type of a worker process's error"
    ),
)


@pytest.mark.parametrize("workers", [0, one_worker])
def test_a_file_that_vanishes_during_training_is_named(folder, workers):
    dataset = data.open_folder(folder, cache_gib=0)
    batches = data.training_batches(dataset, batch_size=4, crop=16, seed=0, workers=workers)
    os.remove(dataset.train[5])
    with pytest.raises(DataError, match=f"{dataset.train[5]} was found .* cannot be read now"):
        take(batches, 20)


@pytest.mark.long
def test_memory_does_not_grow(folder):
    dataset = data.open_folder(folder, cache_gib=30_000 / 2**30)
    batches = data.training_batches(dataset, batch_size=2, crop=64, seed=0)
    take(batches, 50)
    tracemalloc.start()
    try:
        for _ in range(50):
            next(batches)
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(300):
            next(batches)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    kept_batches = (after - before) / (2 * 64 * 64 * 3)
    assert kept_batches < 15  # of 300; the prefetch buffer alone varies by a few


def test_a_position_fits_any_number_of_workers(folder):
    dataset = data.open_folder(folder)
    whole = take(data.training_batches(dataset, batch_size=2, crop=16, seed=2), 7)
    worked = data.training_batches(dataset, batch_size=2, crop=16, seed=2, workers=2)
    worked.set_state({"next_index": 3})
    assert np.array_equal(take(worked, 2), whole[3:5])
    position = worked.get_state()
    worked.close()
    alone = data.training_batches(dataset, batch_size=2, crop=16, seed=2)
    alone.set_state(position)
    assert np.array_equal(take(alone, 2), whole[5:7])


def test_a_position_that_grain_kept_for_several_workers_is_understood(folder):
    batches = data.training_batches(data.open_folder(folder), batch_size=2, crop=16, seed=2)
    kept = {
        "next_index_in_cycle": 1,
        "iterators_in_use_states": [{"next_index": 2}, {"next_index": 1}],
        "exhausted": [0, 0],
    }
    batches.set_state(kept)
    assert batches.get_state() == {"next_index": 3}
    with pytest.raises(DataError, match="cannot be read; start anew"):
        batches.set_state({"workers_state": {}})


def alive(pid):
    """Whether a process still runs; one that is over but not yet collected does not."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_workers_outlive_a_ctrl_c_and_end_with_a_parent_that_is_killed(numbered):
    command = [
        sys.executable,
        str(pathlib.Path(__file__).with_name("batches_forever.py")),
        str(numbered),
    ]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as parent:
        workers = [int(word) for word in parent.stdout.readline().split()]
        assert len(workers) == 2 and all(
            map(alive, workers)
        )  # though each was sent a Ctrl-C as it started
        parent.kill()
    deadline = time.monotonic() + 20
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(alive, workers))


def test_a_worker_that_is_killed_is_told(numbered):
    batches = data.training_batches(
        data.open_folder(numbered), batch_size=2, crop=8, seed=0, workers=1
    )
    next(batches)
    for child in multiprocessing.active_children():
        child.kill()
    with pytest.raises(DataError, match="one of the 1 worker processes .* was ended"):
        take(batches, 20)
