"""Checkpoints: the train state, the input's position, and the metrics of the open logging window, by Orbax."""

import pathlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp

from jaxcodec.errors import TrainingError
from jaxcodec.training.state import TrainState


class Checkpoints:
    """Saves asynchronously and atomically under `workdir/checkpoints`; an unfinished save is never seen as one."""

    def __init__(self, workdir: pathlib.Path, keep: int = 2):
        options = ocp.CheckpointManagerOptions(max_to_keep=keep, enable_async_checkpointing=True)
        self._manager = ocp.CheckpointManager((workdir / "checkpoints").absolute(), options=options)

    def latest_step(self) -> int | None:
        """Step of the newest finished checkpoint, or None."""
        return self._manager.latest_step()

    def save(self, step: int, state: TrainState, host: dict[str, Any]) -> None:
        """Starts saving `state` and the JSON values `host` (input position, open window) as checkpoint `step`."""
        if step == self.latest_step():
            return
        # The step donates its state; on a CPU Orbax may still be reading the very same buffers.
        state = jax.tree.map(jnp.copy, state)
        arguments = ocp.args.Composite(state=ocp.args.StandardSave(state), host=ocp.args.JsonSave(host))
        self._manager.save(step, args=arguments)

    def restore(self, template: TrainState) -> tuple[TrainState, dict[str, Any]]:
        """The newest checkpoint, with the shapes and shardings of `template`.

        Raises TrainingError if it does not fit the template.
        """
        step = self._manager.latest_step()
        abstract = jax.tree.map(ocp.utils.to_shape_dtype_struct, template)
        arguments = ocp.args.Composite(state=ocp.args.StandardRestore(abstract), host=ocp.args.JsonRestore())
        try:
            restored = self._manager.restore(step, args=arguments)
        except (ValueError, KeyError, TypeError) as error:
            raise TrainingError(
                f"the checkpoint of step {step} in {self._manager.directory} does not fit the model of the config; "
                "use the config that it was trained with, or another --workdir"
            ) from error
        return restored.state, restored.host

    def close(self) -> None:
        """Waits until every save is on disk."""
        self._manager.wait_until_finished()
        self._manager.close()


def restore_exported(workdir: pathlib.Path, *, averaged: bool) -> tuple[int, Any]:
    """Step, and the averaged or the last parameters, of the newest checkpoint, as NumPy arrays.

    Raises TrainingError if there is no checkpoint.
    """
    directory = (workdir / "checkpoints").absolute()
    if not directory.is_dir():
        raise TrainingError(f"{workdir} holds no checkpoints; name the --workdir of a training run")
    handlers = {"state": ocp.PyTreeCheckpointHandler(), "host": ocp.JsonCheckpointHandler()}
    with ocp.CheckpointManager(directory, item_handlers=handlers) as manager:
        step = manager.latest_step()
        if step is None:
            raise TrainingError(f"{workdir} holds no finished checkpoint yet; let training reach its first one")
        # The train state restored as host arrays, whatever devices it was trained on.
        metadata = manager.item_metadata(step)["state"]
        as_numpy = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), dict(metadata))
        arguments = ocp.args.Composite(state=ocp.args.PyTreeRestore(restore_args=as_numpy))
        tree = manager.restore(step, args=arguments).state
    return step, tree["average" if averaged else "params"]
