"""The training loop: one readable pass from a config and a folder to checkpoints, metrics and
pictures.
"""

import contextlib
import hashlib
import pathlib
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import ml_collections
import numpy as np
from absl import logging

from jaxcodec import data, models, objectives
from jaxcodec.errors import DataError, TrainingError
from jaxcodec.files import local_folder
from jaxcodec.training import config as run_config
from jaxcodec.training import lock, optimisers, sharding, start, validation
from jaxcodec.training import state as train_state
from jaxcodec.training.checkpoints import Checkpoints
from jaxcodec.training.quiet import without_compile_alarm
from jaxcodec.training.reporting import Reporter
from jaxcodec.training.step import make_train_step, make_validation_step
from jaxcodec.training.stopping import Stop


def train(config: ml_collections.ConfigDict, workdir: str | pathlib.Path) -> bool:
    """Trains the model of `config` in `workdir`, from the newest sound checkpoint there if there is
    one.

    Returns True when all steps are done, False when a SIGTERM came first; either way the last state
    is saved.

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
    _check_model(config)
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


def _run(
    config: ml_collections.ConfigDict, workdir: pathlib.Path, mesh, checkpoints: Checkpoints
) -> bool:
    """`train`, in a folder that is locked and whose settings fit."""
    # ---------------------------------------------------------------- data, model, checkpoint
    images = _open_input(config, workdir)
    state, train_step, validate = _make(config, mesh, fresh=checkpoints.latest_step() is None)
    state, step, window = _resume(checkpoints, state, images, config)
    falling = sharding.put_replicated(optimisers.decay(config), mesh)

    def save() -> None:
        if step:  # a run that has not begun binds nobody to its settings
            host = {
                "input": images.batches.get_state(),
                "window": window,
                "images": images.fingerprint,
            }
            checkpoints.save(step, state, host)

    with contextlib.ExitStack() as stack:
        stack.callback(images.batches.close)
        stop = stack.enter_context(Stop())
        if step < config.steps:
            train_step = _compile(train_step, state, config, mesh, falling)
        checkpoints.set_aside_damaged()
        reporter = None
        if jax.process_index() == 0 and not stop.seen:
            run_config.remember(config, workdir)
            reporter = stack.enter_context(
                contextlib.closing(Reporter(workdir, step, config.steps))
            )

        # ---------------------------------------------------------------- loop
        pending: list[dict[str, jax.Array]] = []  # metrics still on the device
        validated = False
        while step < config.steps and not stop.requested(step):
            try:
                batch = next(images.batches)["image"]
            except DataError:
                if stop.seen:  # a signal to the whole group ends the workers too
                    break
                if jax.process_count() == 1:
                    window += _fetch(pending, step)
                    save()
                raise
            state, metrics = train_step(state, sharding.put_batch(batch, mesh), falling)
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
                with contextlib.nullcontext() if validated else _compiling(reporter):
                    _validate(validate, state, images.held_out, config, step, mesh, reporter)
                validated = True
            if step % config.checkpoint_every == 0 or at_end:
                save()
        window += _fetch(pending, step)
        save()
        checkpoints.wait()
    if stop.interrupted:
        raise KeyboardInterrupt
    return step >= config.steps


class _Input(NamedTuple):
    """Training batches of this process, held-out crops, and a hash that tells the training
    images.
    """

    batches: data.Batches
    held_out: np.ndarray
    fingerprint: str


def _open_input(config: ml_collections.ConfigDict, workdir: pathlib.Path) -> _Input:
    folder = data.open_folder(
        run_config.folders(config),
        validation_images=config.data.validation_images,
        cache_gib=config.data.cache_gib,
        seed=config.seed,
        leave_out=workdir,
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
    if not held_out.size:
        logging.warning(
            "no images are held out (config.data.validation_images): no validation, and nothing to "
            "export"
        )
    return _Input(batches, held_out, _fingerprint(folder))


def _make(
    config: ml_collections.ConfigDict, mesh, *, fresh: bool
) -> tuple[train_state.TrainState, Callable, Callable]:
    """A fresh state on the mesh, and the jitted steps of training (which donates its state) and of
    validation.
    """
    model = _model(config)
    objective = objectives.create(config.objective.to_dict(), config.target_rate.to_dict())
    transform = optimisers.create(config)
    step_function = make_train_step(
        model,
        objective,
        transform,
        surrogate=config.surrogate,
        seed=config.seed,
        average_decay=config.average_decay,
    )
    same, split = sharding.replicated(mesh), sharding.divided(mesh)
    train_step = jax.jit(
        step_function,
        in_shardings=(same, split, same),
        out_shardings=(same, same),
        donate_argnums=0,
    )
    validate = jax.jit(make_validation_step(model, objective), out_shardings=same)
    state = train_state.create(model, transform, config.data.crop, config.seed, objective.init())
    if config.start.workdir and fresh:
        params = start.params_of(config.start.workdir, state.params, config.start.qualities)
        state = train_state.with_params(state, params, transform)
    logging.info(
        "%d parameters, %d devices in %d processes, global batch %d",
        sum(leaf.size for leaf in jax.tree.leaves(state.params)),
        mesh.size,
        jax.process_count(),
        config.batch_size,
    )
    return sharding.put_replicated(jax.device_get(state), mesh), train_step, validate


def _model(config: ml_collections.ConfigDict):
    model = models.build(config.model.to_dict())
    return model.clone(fake_quantised=True) if config.fake_quantised else model


def _check_model(config: ml_collections.ConfigDict) -> None:
    """Raises TrainingError for a model whose sizes do not go together, which only shows when it is
    traced.
    """
    key, image = jax.random.key(0), np.zeros((1, config.data.crop, config.data.crop, 3), np.float32)
    try:
        output, _ = jax.eval_shape(
            _model(config).init_with_output, key, image, np.zeros(1, np.float32), key
        )
    except Exception as error:  # Flax and JAX raise anything
        reason = " ".join(str(error).split())[:300]
        raise TrainingError(
            f"the model of the config cannot be built ({reason}); mend config.model"
        ) from error
    if output.image.shape != image.shape:
        raise TrainingError(
            f"the model of the config makes {output.image.shape} of {image.shape}; mend "
            "config.model"
        )


@contextlib.contextmanager
def _compiling(reporter: Reporter | None) -> Iterator[None]:
    """For what compiles on the way: no alarm of XLA, and no time counted."""
    with without_compile_alarm(), reporter.uncounted() if reporter else contextlib.nullcontext():
        yield


def _compile(train_step: Callable, state, config, mesh, falling) -> Callable:
    """The compiled step of training. XLA's word about how long that takes is hidden, ours is
    logged.
    """
    logging.info("compiling the training step, which takes minutes for a large model that is new")
    begun = time.monotonic()
    shape = (config.batch_size, config.data.crop, config.data.crop, 3)
    images = jax.ShapeDtypeStruct(shape, np.uint8, sharding=sharding.divided(mesh))
    with without_compile_alarm():
        compiled = train_step.lower(state, images, falling).compile()
    logging.info("compiled in %.0f s", time.monotonic() - begun)
    return compiled


def _resume(
    checkpoints: Checkpoints, state, images: _Input, config
) -> tuple[train_state.TrainState, int, list]:
    """State, step and open metrics window of the newest checkpoint, the input set to its position;
    or the start.
    """
    if checkpoints.latest_step() is None:
        return state, 0, []
    state, host = checkpoints.restore(state)
    if host["images"] != images.fingerprint:
        raise TrainingError(
            f"the images in {config.data.folders} are not those that this run has seen, so it "
            "cannot go on where it "
            "was; restore them, or start anew in another --workdir"
        )
    images.batches.set_state(host["input"])
    step = int(jax.device_get(state.step))
    logging.info("resumed from step %d", step)
    return state, step, host["window"]


def _fingerprint(folder: data.ImageFolder) -> str:
    """Hash of the names and sizes of the training images, wherever they lie."""
    images = [
        (pathlib.Path(path).name, pixels)
        for path, pixels in zip(folder.train, folder.train_pixels, strict=True)
    ]
    return hashlib.sha256(repr(images).encode()).hexdigest()


def _fetch(pending: list[dict[str, jax.Array]], step: int) -> list[dict[str, float]]:
    """Metrics of the last steps, up to `step`, as plain floats; raises TrainingError where one was
    not finite.
    """
    rows = [{name: float(value) for name, value in row.items()} for row in jax.device_get(pending)]
    for position, row in enumerate(rows):
        if not row.pop("finite"):
            at = step - len(rows) + position + 1
            raise TrainingError(
                f"the loss of step {at} is not finite (loss {row['loss']}, gradient norm "
                f"{row['gradient_norm']}); "
                "what was saved before is kept: lower config.optimiser.learning_rate and start "
                "again"
            )
    return rows


def _validate(validate, state, held_out, config, step, mesh, reporter: Reporter | None) -> None:
    """Validates the averaged parameters at every quality of the config, and reports metrics and
    pictures.
    """
    params = state.average if config.average_decay else state.params
    rows = []
    for quality in config.validation_qualities:
        metrics, reconstruction = validation.run(
            validate, params, state.carry, held_out, quality, mesh
        )
        rows.append(reconstruction)
        if reporter:
            reporter.scalars(step, f"validation/quality_{quality:g}", metrics)
            logging.info(
                "validation at quality %g: loss %.4f  bpp %.4f  psnr %.2f dB",
                quality, metrics["loss"], metrics["bpp"], metrics["psnr_db"],
            )  # fmt: skip
    if reporter:
        reporter.picture(step, "validation", [held_out[: len(rows[0])], *rows])
