"""The training loop: one pass from a config and a folder to checkpoints, metrics and pictures."""

import contextlib
import pathlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
from absl import logging

from jaxcodec import data
from jaxcodec.errors import DataError, TrainingError
from jaxcodec.files import local_folder
from jaxcodec.training import config as run_config
from jaxcodec.training import lock, optimisers, run_input, run_steps, sharding, validation
from jaxcodec.training.checkpoints import Checkpoints
from jaxcodec.training.metrics_window import MetricsWindow
from jaxcodec.training.quiet import without_compile_alarm
from jaxcodec.training.reporting import Reporter
from jaxcodec.training.run_input import RunInput
from jaxcodec.training.settings import Config
from jaxcodec.training.state import TrainState
from jaxcodec.training.stopping import Stop


def train(config: Config, workdir: str | pathlib.Path) -> bool:
    """Trains the model of `config` in `workdir`.

    It goes on from the newest sound checkpoint there, if there is one. Returns True when all steps
    are done, False when a SIGTERM came first; either way the last state is saved.

    Raises:
      TrainingError, RateError, CodecFileError: a setting that cannot work, a checkpoint that does
        not fit, a folder that another run uses or that cannot be written to, or a loss that is not
        finite.
      DataError: the folder of images is missing, empty or unreadable, or an image has vanished.
      KeyboardInterrupt: after a Ctrl-C, once the state is saved. A second Ctrl-C ends the process
        at once.
    """
    workdir = local_folder(workdir, TrainingError)
    config = run_config.with_paths(config)
    run_config.check(config)
    data.check_folders(run_config.folders(config))
    run_steps.check_model(config)
    mesh = sharding.data_mesh()
    sharding.check_batch(config.batch_size, mesh)
    alone_here = lock.locked(workdir) if jax.process_index() == 0 else contextlib.nullcontext()
    with alone_here, Checkpoints(workdir, config.keep_checkpoints) as checkpoints:
        if checkpoints.latest_step() is not None:
            run_config.check_same(config, workdir)
        try:
            return _run(config, workdir, mesh, checkpoints)
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error):
                raise
            raise TrainingError(
                f"the memory does not suffice for a step of {config.batch_size} crops of "
                f"{config.data.crop} pixels; "
                "lower config.batch_size or config.data.crop, or use more devices"
            ) from error


class _Position(NamedTuple):
    """Where a run stands: its state, the steps done, and the metrics that wait for the log."""

    state: TrainState
    step: int
    window: MetricsWindow


def _run(
    config: Config,
    workdir: pathlib.Path,
    mesh: jax.sharding.Mesh,
    checkpoints: Checkpoints,
) -> bool:
    """`train`, in a folder that is locked and whose settings fit."""
    # ---------------------------------------------------------------- data, model, checkpoint
    images = run_input.open_input(config, workdir)
    steps = run_steps.make(config, mesh)
    state = run_steps.first_state(config, mesh, fresh=checkpoints.latest_step() is None)
    state, step, window = _resume(checkpoints, state, images, config)
    falling = sharding.put_replicated(optimisers.decay(config), mesh)

    with contextlib.ExitStack() as stack:
        stack.callback(images.batches.close)
        stop = stack.enter_context(Stop())
        train_step = steps.train
        if step < config.steps:
            train_step = run_steps.compile_step(train_step, state, config, mesh, falling)
        checkpoints.set_aside_damaged()
        reporter = None
        if jax.process_index() == 0 and not stop.seen:
            run_config.remember(config, workdir)
            reporter = stack.enter_context(
                contextlib.closing(Reporter(workdir, step, config.steps))
            )

        # ---------------------------------------------------------------- loop
        validated = warned = False
        while step < config.steps and not stop.requested(step):
            try:
                batch = next(images.batches)["image"]
            except DataError:
                if stop.seen:  # a signal to the whole group ends the workers too
                    break
                if jax.process_count() == 1:
                    _save(checkpoints, _Position(state, step, window.fetched(step)), images)
                raise
            state, metrics = train_step(state, sharding.put_batch(batch, mesh), falling)
            step, window = step + 1, window.with_step(metrics)
            due = _due(config, step)
            if due.log or due.save:
                window = window.fetched(step)
            if due.log:
                _log(reporter, step, window, config.batch_size)
                if reporter:
                    warned = _warn_of_alpha(config, window, warned)
                window = MetricsWindow()
            if due.validation and images.held_out.size:
                with contextlib.nullcontext() if validated else _compiling(reporter):
                    validation.validate(
                        steps.validate, state, images.held_out, config, step, mesh, reporter
                    )
                validated = True
            if due.save:
                _save(checkpoints, _Position(state, step, window), images)
        _save(checkpoints, _Position(state, step, window.fetched(step)), images)
        checkpoints.wait()
    if stop.interrupted:
        raise KeyboardInterrupt
    return step >= config.steps


class _Due(NamedTuple):
    """What follows a step."""

    log: bool
    validation: bool
    save: bool


def _due(config: Config, step: int) -> _Due:
    """What follows step number `step`; everything follows the last."""
    every = (config.log_every, config.validate_every, config.checkpoint_every)
    return _Due(*(step % each == 0 or step == config.steps for each in every))


def _log(reporter: Reporter | None, step: int, window: MetricsWindow, batch_size: int) -> None:
    """Reports the means of a window that ends with `step`, in the process that has a reporter."""
    if reporter:
        means = window.means()
        reporter.scalars(step, "train", means)
        reporter.progress(step, means, batch_size)


def _warn_of_alpha(config: Config, window: MetricsWindow, warned: bool) -> bool:
    """Warns once, where the regularizer took all of lambda in every step of a window."""
    name = "trade_off_effective"
    if warned or any(row.get(name, 1.0) > 0 for row in window.rows):
        return warned
    means, given = window.means(), config.objective.to_dict()
    logging.warning(
        "config.regularizer.alpha %g outweighs lambda%s at an error of %.1f: what is left of it, "
        "%.2g, is not above 0, and the codec gains by losing the picture; lower alpha",
        config.regularizer.alpha,
        " ({first:g} to {last:g})".format(**given) if "kind" not in given else "",
        means.get("mse_255", float("nan")),
        means[name],
    )
    return True


def _save(checkpoints: Checkpoints, position: _Position, images: RunInput) -> None:
    """Saves a checkpoint, but for a run that has not begun: that binds nobody to its settings."""
    if position.step:
        host = {
            "input": images.batches.get_state(),
            "window": list(position.window.rows),
            "images": images.fingerprint,
        }
        checkpoints.save(position.step, position.state, host)


def _resume(
    checkpoints: Checkpoints, state: TrainState, images: RunInput, config: Config
) -> _Position:
    """The position of the newest checkpoint, to which the input is set; or the start."""
    if checkpoints.latest_step() is None:
        return _Position(state, 0, MetricsWindow())
    state, host = checkpoints.restore(state)
    _check_images(host, images, config)
    images.batches.set_state(host["input"])
    step = int(jax.device_get(state.step))
    logging.info("resumed from step %d", step)
    return _Position(state, step, MetricsWindow(tuple(host["window"])))


def _check_images(host: dict[str, Any], images: RunInput, config: Config) -> None:
    """Raises TrainingError if a checkpoint is of a run on other images."""
    if host["images"] != images.fingerprint:
        raise TrainingError(
            f"the images in {config.data.folders} are not those that this run has seen, so it "
            "cannot go on where it "
            "was; restore them, or start anew in another --workdir"
        )


@contextlib.contextmanager
def _compiling(reporter: Reporter | None) -> Iterator[None]:
    """For what compiles on the way: no alarm of XLA, and no time counted."""
    with without_compile_alarm(), reporter.uncounted() if reporter else contextlib.nullcontext():
        yield
