"""Checkpoints by Orbax: train state, position of the input, metrics of the open window."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Iterator
from typing import Any, Self, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
from absl import logging
from jax.experimental import multihost_utils

from jaxcodec.errors import CodecError, TrainingError
from jaxcodec.objectives import CODEC
from jaxcodec.training import sealing
from jaxcodec.training.state import Player, TrainState

FOLDER = "checkpoints"
DAMAGED_FOLDER = "damaged_checkpoints"

Read = TypeVar("Read")

_PLAYER_FIELDS = tuple(field.name for field in dataclasses.fields(Player))


class Checkpoints:
    """Saves asynchronously and atomically under `workdir/checkpoints`.

    An unfinished save is never seen as one. For a `with` statement, at whose end every save is on
    disk.
    """

    def __init__(self, workdir: pathlib.Path, keep: int = 2):
        self._folder = (workdir / FOLDER).absolute()
        self._damaged: list[int] = []
        after = ocp.AsyncOptions(post_finalization_callback=self._seal)
        options = ocp.CheckpointManagerOptions(
            max_to_keep=keep, enable_async_checkpointing=True, async_options=after
        )
        handlers = {"state": ocp.StandardCheckpointHandler(), "host": ocp.JsonCheckpointHandler()}
        with _writing(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._manager = ocp.CheckpointManager(
                self._folder, item_handlers=handlers, options=options
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self.close()
        except TrainingError as problem:
            if kind is None:
                raise
            logging.warning("%s", problem)  # the run ends with an error of its own

    def latest_step(self) -> int | None:
        """Step of the newest finished checkpoint, or None."""
        return self._manager.latest_step()

    def save(self, step: int, state: TrainState, host: dict[str, Any]) -> None:
        """Starts saving a state and the JSON values `host` as checkpoint `step`.

        `host` is the position of the input, the open window and the fingerprint of the images.
        Raises TrainingError if this save cannot begin, or the one before did not succeed.
        """
        if step == self.latest_step():
            return
        # The step donates its state; on a CPU Orbax may still be reading the very same buffers.
        stored = jax.tree.map(jnp.copy, to_stored(state))
        arguments = ocp.args.Composite(
            state=ocp.args.StandardSave(stored), host=ocp.args.JsonSave(host)
        )
        with _writing(self._folder):
            self._manager.save(step, args=arguments)

    def restore(self, template: TrainState) -> tuple[TrainState, dict[str, Any]]:
        """The newest sound checkpoint, with the shapes and shardings of `template`.

        Damaged ones are named in a warning. Raises TrainingError if it is of another model than the
        template, or if all are damaged.
        """
        stored_template = to_stored(template)
        abstract = jax.tree.map(ocp.utils.to_shape_dtype_struct, stored_template)
        arguments = ocp.args.Composite(
            state=ocp.args.StandardRestore(abstract), host=ocp.args.JsonRestore()
        )

        def read(step: int) -> tuple[TrainState, dict[str, Any]]:
            self._check_model(step, stored_template)
            restored: Any = self._manager.restore(step, args=arguments)  # of Composite
            return from_stored(restored.state), restored.host

        step, restored = _newest_sound(self._manager, read)
        self._damaged = [later for later in self._manager.all_steps() if later > step]
        return restored

    def set_aside_damaged(self) -> None:
        """Moves what `restore` found damaged to `workdir/damaged_checkpoints`."""
        if not self._damaged:
            return
        if jax.process_index() == 0:
            with _writing(self._folder):
                aside = self._folder.parent / DAMAGED_FOLDER
                aside.mkdir(exist_ok=True)
                for step in self._damaged:
                    number = sum(path.name.split(".")[0] == str(step) for path in aside.iterdir())
                    (self._folder / str(step)).rename(
                        aside / (f"{step}.{number}" if number else str(step))
                    )
        if jax.process_count() > 1:
            multihost_utils.sync_global_devices("damaged checkpoints are set aside")
        self._manager.reload()
        self._damaged = []

    def wait(self) -> None:
        """Waits until every save is on disk; raises TrainingError if one could not be written."""
        with _writing(self._folder):
            self._manager.wait_until_finished()

    def close(self) -> None:
        """Waits likewise, and ends Orbax's threads; a folder without a checkpoint is removed."""
        try:
            self.wait()
        finally:
            with contextlib.suppress(Exception):  # the same error once more
                self._manager.close()
            with contextlib.suppress(OSError):
                self._folder.rmdir()

    def _check_model(self, step: int, template: dict[str, Any]) -> None:
        # Orbax gives the metadata as a tree of its own kind.
        stored = _shapes(dict(self._manager.item_metadata(step)["state"]))
        expected = _shapes(template)
        for name in sorted(stored.keys() | expected.keys()):
            there, here = stored.get(name, "missing"), expected.get(name, "missing")
            if there != here:
                raise TrainingError(
                    f"the checkpoint of step {step} in {self._folder} does not fit the model of "
                    f"the config: {name} is "
                    f"{there} there and {here} here; use the config that it was trained with, or "
                    "another --workdir"
                )

    def _seal(self) -> None:
        """Seals a checkpoint that is written; Orbax calls it, in a thread, before it names it."""
        if jax.process_index() == 0:
            for folder in self._folder.iterdir():
                if folder.is_dir() and not folder.name.isdigit():
                    with contextlib.suppress(CodecError, OSError):  # it only reports damage sooner
                        sealing.seal(folder)


def to_stored(state: TrainState) -> dict[str, Any]:
    """A state as checkpoints hold it.

    What the codec's player has stands at the top, where it stood when there was no other (up to
    version 0.5), and the other players under `players`.
    """
    codec = {name: getattr(state.codec, name) for name in _PLAYER_FIELDS}
    others = {
        name: {field: getattr(player, field) for field in _PLAYER_FIELDS}
        for name, player in state.players.items()
        if name != CODEC
    }
    stored = {"step": state.step, **codec, "carry": state.carry}
    return stored | ({"players": others} if others else {})


def from_stored(stored: dict[str, Any]) -> TrainState:
    """The state of `to_stored`."""
    players = {CODEC: Player(**{name: stored[name] for name in _PLAYER_FIELDS})}
    players |= {name: Player(**fields) for name, fields in stored.get("players", {}).items()}
    return TrainState(stored["step"], players, stored["carry"])


def restore_exported(workdir: pathlib.Path, *, averaged: bool) -> tuple[int, Any]:
    """Step and parameters of the codec of the newest sound checkpoint, NumPy arrays.

    averaged: whether they are the moving average or the last. Raises TrainingError if there is no
    checkpoint, or none that is not damaged.
    """
    directory = (workdir / FOLDER).absolute()
    if not directory.is_dir():
        raise TrainingError(f"{workdir} holds no checkpoints; name the --workdir of a training run")
    handlers = {"state": ocp.PyTreeCheckpointHandler(), "host": ocp.JsonCheckpointHandler()}
    with ocp.CheckpointManager(directory, item_handlers=handlers) as manager:
        if manager.latest_step() is None:
            raise TrainingError(
                f"{workdir} holds no finished checkpoint yet; let training reach its first one"
            )

        def read(step: int) -> Any:
            # The train state restored as host arrays, whatever devices it was trained on.
            metadata = manager.item_metadata(step)["state"]
            as_numpy = jax.tree.map(
                lambda _: ocp.RestoreArgs(restore_type=np.ndarray), dict(metadata)
            )
            arguments = ocp.args.Composite(state=ocp.args.PyTreeRestore(restore_args=as_numpy))
            return manager.restore(step, args=arguments).state["average" if averaged else "params"]

        return _newest_sound(manager, read)


def _newest_sound(manager: ocp.CheckpointManager, read: Callable[[int], Read]) -> tuple[int, Read]:
    """Step and content of the newest checkpoint that can be read."""
    steps = sorted(manager.all_steps(), reverse=True)
    for step in steps:
        problem = sealing.damage(pathlib.Path(manager.directory) / str(step))
        if problem is None:
            try:
                return step, read(step)
            except CodecError:
                raise
            except Exception as error:  # Orbax and TensorStore raise anything, Exception itself too
                problem = " ".join(str(error).split())[:200] or type(error).__name__
        logging.warning(
            "the checkpoint of step %d in %s is damaged (%s): it is passed over",
            step,
            manager.directory,
            problem,
        )
    raise TrainingError(
        f"every checkpoint in {manager.directory} is damaged (steps "
        f"{', '.join(map(str, sorted(steps)))}); "
        "restore them from a copy, or start anew in another --workdir"
    )


def _shapes(tree: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """{path: shape} of the arrays of a stored state, or of the metadata that Orbax keeps of one."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    names = {_name(path): leaf for path, leaf in leaves}
    return {name: tuple(leaf.shape) for name, leaf in names.items() if hasattr(leaf, "shape")}


def _name(path: tuple[Any, ...]) -> str:
    parts = (
        next(getattr(key, kind) for kind in ("key", "name", "idx") if hasattr(key, kind))
        for key in path
    )
    return "/".join(map(str, parts))


@contextlib.contextmanager
def _writing(folder: pathlib.Path) -> Iterator[None]:
    """Whatever goes wrong while a checkpoint is written becomes a TrainingError."""
    try:
        yield
    except Exception as error:  # Orbax and TensorStore raise anything
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise TrainingError(
            f"cannot write a checkpoint to {folder}: {reason}; make room or give it leave to "
            "write, and the same command "
            "goes on from the newest one that is finished"
        ) from error
