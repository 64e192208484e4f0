"""The training loop: one readable pass from a config and a folder to checkpoints, metrics and pictures."""

import hashlib
import pathlib
import signal
from collections.abc import Callable
from typing import Any, NamedTuple

import grain
import jax
import ml_collections
import numpy as np
from absl import logging
from jax.experimental import multihost_utils

from jaxcodec import data, models, objectives
from jaxcodec.errors import TrainingError
from jaxcodec.training import config as run_config
from jaxcodec.training import optimisers, sharding, start, validation
from jaxcodec.training import state as train_state
from jaxcodec.training.checkpoints import Checkpoints
from jaxcodec.training.reporting import Reporter
from jaxcodec.training.step import make_train_step, make_validation_step


def train(config: ml_collections.ConfigDict, workdir: str | pathlib.Path) -> bool:
    """Trains the model of `config` in `workdir`, from the newest checkpoint there if there is one.

    Returns True when all steps are done, False when a SIGTERM came first; either way the last state is saved.

    Raises:
      TrainingError, RateError: a setting that cannot work, a checkpoint that does not fit, or a loss that is not finite.
      DataError: the folder of images is missing, empty or unreadable.
    """
    workdir = pathlib.Path(workdir)
    config = run_config.with_paths(config)
    run_config.check(config)
    mesh = sharding.data_mesh()
    sharding.check_batch(config.batch_size, mesh)

    # ---------------------------------------------------------------- data, model, steps
    images = _open_input(config)
    workdir.mkdir(parents=True, exist_ok=True)
    first_process = jax.process_index() == 0
    checkpoints = Checkpoints(workdir, config.keep_checkpoints)
    if checkpoints.latest_step() is not None:
        run_config.check_same(config, workdir)
    state, train_step, validate = _compile(config, mesh, fresh=checkpoints.latest_step() is None)

    # ---------------------------------------------------------------- checkpoint
    state, step, window = _resume(checkpoints, state, images, config)
    if first_process:
        run_config.remember(config, workdir)
    reporter = Reporter(workdir, step, config.steps) if first_process else None

    def save() -> None:
        host = {"input": images.batches.get_state(), "window": window, "images": images.fingerprint}
        checkpoints.save(step, state, host)

    # ---------------------------------------------------------------- loop
    stop = _Stop()
    pending: list[dict[str, jax.Array]] = []  # metrics still on the device
    try:
        while step < config.steps and not stop.requested(step):
            state, metrics = train_step(state, sharding.put_batch(next(images.batches)["image"], mesh))
            pending.append(metrics)
            step += 1
            at_end = step == config.steps
            if step % config.log_every == 0 or step % config.checkpoint_every == 0 or at_end:
                window += _fetch(pending, step)
                pending = []
            if step % config.log_every == 0 or at_end:
                means = {name: float(np.mean([row[name] for row in window])) for name in window[0]}
                window = []
                if reporter:
                    reporter.scalars(step, "train", means)
                    reporter.progress(step, means, config.batch_size)
            if (step % config.validate_every == 0 or at_end) and images.held_out.size:
                _validate(validate, state, images.held_out, config, step, mesh, reporter)
            if step % config.checkpoint_every == 0 or at_end:
                save()
        window += _fetch(pending, step)
        save()
    finally:
        checkpoints.close()
        stop.restore()
        if reporter:
            reporter.close()
    return step >= config.steps


class _Input(NamedTuple):
    """Training batches of this process, held-out crops, and a hash that tells the training images."""

    batches: grain.DatasetIterator
    held_out: np.ndarray
    fingerprint: str


def _open_input(config: ml_collections.ConfigDict) -> _Input:
    folder = data.open_folder(
        run_config.folders(config),
        validation_images=config.data.validation_images,
        cache_gib=config.data.cache_gib,
        seed=config.seed,
    )
    batches = data.training_batches(
        folder,
        batch_size=config.batch_size,
        crop=config.data.crop,
        seed=config.seed,
        process_index=jax.process_index(),
        process_count=jax.process_count(),
        workers=config.data.workers,
        min_scale=config.data.min_scale,
    )
    held_out = data.validation_crops(folder, config.data.crop, config.data.validation_images)
    return _Input(batches, held_out, _fingerprint(folder))


def _compile(config: ml_collections.ConfigDict, mesh, *, fresh: bool) -> tuple[train_state.TrainState, Callable, Callable]:
    """A fresh state on the mesh, and the jitted steps of training (which donates its state) and of validation."""
    model = models.build(config.model.to_dict())
    if config.fake_quantised:
        model = model.clone(fake_quantised=True)
    objective = objectives.create(config.objective.to_dict(), config.target_rate.to_dict())
    transform = optimisers.create(config)
    step_function = make_train_step(
        model, objective, transform, surrogate=config.surrogate, seed=config.seed, average_decay=config.average_decay
    )
    same, split = sharding.replicated(mesh), sharding.divided(mesh)
    train_step = jax.jit(step_function, in_shardings=(same, split), out_shardings=(same, same), donate_argnums=0)
    validate = jax.jit(make_validation_step(model, objective), out_shardings=same)
    state = train_state.create(model, transform, config.data.crop, config.seed, objective.init())
    if config.start.workdir and fresh:
        params = start.params_of(config.start.workdir, state.params, config.start.qualities)
        state = train_state.with_params(state, params, transform)
    logging.info(
        "%d parameters, %d devices in %d processes, global batch %d",
        sum(leaf.size for leaf in jax.tree.leaves(state.params)), mesh.size, jax.process_count(), config.batch_size,
    )  # fmt: skip
    return sharding.put_replicated(jax.device_get(state), mesh), train_step, validate


def _resume(checkpoints: Checkpoints, state, images: _Input, config) -> tuple[train_state.TrainState, int, list]:
    """State, step and open metrics window of the newest checkpoint, the input set to its position; or the start."""
    if checkpoints.latest_step() is None:
        return state, 0, []
    state, host = checkpoints.restore(state)
    if host["images"] != images.fingerprint:
        raise TrainingError(
            f"the images in {config.data.folders} are not those that this run has seen, so it cannot go on where it "
            "was; restore them, or start anew in another --workdir"
        )
    images.batches.set_state(host["input"])
    step = int(jax.device_get(state.step))
    logging.info("resumed from step %d", step)
    return state, step, host["window"]


def _fingerprint(folder: data.ImageFolder) -> str:
    """Hash of the names and sizes of the training images, wherever they lie."""
    images = [(pathlib.Path(path).name, pixels) for path, pixels in zip(folder.train, folder.train_pixels, strict=True)]
    return hashlib.sha256(repr(images).encode()).hexdigest()


def _fetch(pending: list[dict[str, jax.Array]], step: int) -> list[dict[str, float]]:
    """Metrics of the last steps, up to `step`, as plain floats; raises TrainingError where one was not finite."""
    rows = [{name: float(value) for name, value in row.items()} for row in jax.device_get(pending)]
    for position, row in enumerate(rows):
        if not row.pop("finite"):
            at = step - len(rows) + position + 1
            raise TrainingError(
                f"the loss of step {at} is not finite (loss {row['loss']}, gradient norm {row['gradient_norm']}); "
                "the last checkpoint is kept: lower config.optimiser.learning_rate and start again"
            )
    return rows


def _validate(validate, state, held_out, config, step, mesh, reporter: Reporter | None) -> None:
    """Validates the averaged parameters at every quality of the config, and reports metrics and pictures."""
    params = state.average if config.average_decay else state.params
    rows = []
    for quality in config.validation_qualities:
        metrics, reconstruction = validation.run(validate, params, state.carry, held_out, quality, mesh)
        rows.append(reconstruction)
        if reporter:
            reporter.scalars(step, f"validation/quality_{quality:g}", metrics)
            logging.info(
                "validation at quality %g: loss %.4f  bpp %.4f  psnr %.2f dB",
                quality, metrics["loss"], metrics["bpp"], metrics["psnr_db"],
            )  # fmt: skip
    if reporter:
        reporter.picture(step, "validation", [held_out[: len(rows[0])], *rows])


class _Stop:
    """Whether to stop: SIGTERM in this process, or in any process of a run of several."""

    def __init__(self):
        self._seen = False
        self._alone = jax.process_count() == 1
        # With several processes JAX's own preemption service listens, and agrees on one step for all.
        self._before: Any = signal.signal(signal.SIGTERM, self._notice) if self._alone else None

    def _notice(self, *_):
        self._seen = True

    def requested(self, step: int) -> bool:
        return self._seen if self._alone else multihost_utils.reached_preemption_sync_point(step)

    def restore(self) -> None:
        if self._alone:
            signal.signal(signal.SIGTERM, self._before)
