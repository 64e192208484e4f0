import json

import pytest

from jaxcodec.evaluation import comparison, journal, measure
from jaxcodec.evaluation.coder import EvaluationError
from jaxcodec.evaluation.metrics import DEFAULT, PSNR


class Stopped(Exception):
    """A power cut."""


@pytest.fixture
def counting(coarse):
    """A class of coders that note what they encode, and stop at the call of that number."""

    class Counting(coarse):
        def encode(self, pixels, point):
            calls.append((pixels.shape, point))
            if len(calls) == stop_at[0]:
                raise Stopped
            return super().encode(pixels, point)

    calls, stop_at = [], [None]
    Counting.calls, Counting.stop_at = calls, stop_at
    return Counting


def test_an_evaluation_that_was_stopped_goes_on_where_it_was(counting, pictures, tmp_path):
    counting.stop_at[0] = 9
    with pytest.raises(Stopped):
        comparison.run([counting("mine")], [], pictures, tmp_path, example_count=0)
    kept = (tmp_path / journal.NAME).read_text().strip().splitlines()
    assert len(kept) == 4  # each point begins with one call for each of two sizes, untimed

    broken = [
        kept[0][:50],
        "[]",
        '{"key": 1}',
        "3",
        "\udcff",
    ]  # as if it had been killed while it wrote, and worse
    (tmp_path / journal.NAME).write_bytes(
        "\n".join([*kept, *broken]).encode(errors="surrogateescape")
    )
    counting.calls.clear()
    counting.stop_at[0] = None
    resumed = comparison.run([counting("mine")], [], pictures, tmp_path, example_count=0)
    assert (64.0 not in {point for _, point in counting.calls}) and len(counting.calls) == 2 * (
        4 - 1
    ) + 12 - 4
    assert not (tmp_path / journal.NAME).exists()

    whole = comparison.run([counting("mine")], [], pictures, tmp_path / "whole", example_count=0)
    assert sizes(resumed) == sizes(whole)
    before = [json.loads(line)["measurement"]["encode_seconds"] for line in kept]
    assert [row.encode_seconds for row in resumed.sweeps[0].measurements[:4]] == before


def test_only_the_same_pixels_and_settings_count(coarse, pictures, tmp_path):
    photos, _ = measure.load_photos(pictures)
    log = journal.of(coarse("mine"), 1, tmp_path / journal.NAME)
    measure.sweep(coarse("mine"), photos, keep=log.writer(photos))
    assert len(log.read(photos)) == 12
    assert {image for _, image in log.read(photos[:1])} == {photos[0].name}
    changed = measure.Photo(photos[0].name, photos[0].pixels ^ 1)
    assert not log.read([changed])
    for other, workers in (
        (coarse("mine", settings={"library": "other"}), 1),
        (coarse("mine"), 2),
        (coarse("other"), 1),
    ):
        assert not journal.of(other, workers, log.path).read(photos)
    assert not journal.of(coarse("mine"), 1, log.path, [PSNR]).read(photos)
    assert len(journal.of(coarse("mine"), 1, log.path, DEFAULT).read(photos)) == 12


def test_a_journal_that_cannot_be_written_is_an_error(coarse, pictures, tmp_path):
    photos, _ = measure.load_photos(pictures)
    log = journal.of(coarse("mine"), 1, tmp_path / "missing" / journal.NAME)
    with pytest.raises(EvaluationError, match="missing/measured.jsonl: No such file"):
        measure.sweep(coarse("mine"), photos, keep=log.writer(photos))


def sizes(evaluation):
    return [
        (row.point, row.image, row.bytes)
        for sweep in evaluation.sweeps
        for row in sweep.measurements
    ]
