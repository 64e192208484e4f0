"""Devices: one mesh, the batch divided over it, everything else replicated."""

from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jaxcodec.errors import TrainingError


def initialise_distributed(coordinator: str | None, processes: int | None, process: int | None) -> None:
    """Joins the processes of a run; call it before anything else touches JAX.

    coordinator: HOST:PORT of process 0; on clusters that JAX knows (TPU pods, Slurm, Open MPI) all three may be None.
    """
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(coordinator, processes, process)


def data_mesh() -> Mesh:
    """A mesh of all devices of all processes along one axis, "data"."""
    return Mesh(np.array(jax.devices()), ("data",))


def replicated(mesh: Mesh) -> NamedSharding:
    """Every device holds the whole array."""
    return NamedSharding(mesh, PartitionSpec())


def divided(mesh: Mesh) -> NamedSharding:
    """The first axis is divided over the devices."""
    return NamedSharding(mesh, PartitionSpec("data"))


def check_batch(batch_size: int, mesh: Mesh) -> None:
    """Raises TrainingError if the global batch cannot be divided over the devices."""
    if batch_size % mesh.size:
        raise TrainingError(f"config.batch_size is {batch_size}, which {mesh.size} devices cannot share; use a multiple")


def put_replicated(tree: Any, mesh: Mesh) -> Any:
    """Puts host arrays, equal in every process, on all devices."""
    sharding = replicated(mesh)

    def put(leaf):
        leaf = np.asarray(leaf)
        return jax.make_array_from_callback(leaf.shape, sharding, lambda index: leaf[index])

    return jax.tree.map(put, tree)


def put_batch(local: np.ndarray, mesh: Mesh) -> jax.Array:
    """The global batch whose part of this process is `local` (B / processes, ...)."""
    return jax.make_array_from_process_local_data(divided(mesh), local)
