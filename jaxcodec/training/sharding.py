"""Devices: one mesh, the batch divided over it, everything else replicated."""

import socket
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jaxcodec.errors import TrainingError


def initialise_distributed(
    coordinator: str | None = None,
    processes: int | None = None,
    process: int | None = None,
    *,
    cluster: bool = True,
) -> None:
    """Joins the processes of a run, if it is one of several.

    Call it before anything else touches JAX.

    Args:
      coordinator: HOST:PORT of process 0, where JAX does not find it.
      processes, process: how many there are and which this is, from 0, with `coordinator`.
      cluster: whether JAX is to find the others, without these three: on a TPU pod, under Slurm or
        Open MPI.

    Raises:
      TrainingError: some of these without the others, or out of range; or the others are not found.
    """
    if not cluster and coordinator is None and processes is None and process is None:
        return
    if coordinator is None and (processes, process) != (None, None):
        raise TrainingError(
            "--processes and --process tell nothing without --coordinator=HOST:PORT; give it as "
            "well"
        )
    if coordinator is not None:
        _check_coordinator(coordinator, processes, process)
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    try:
        jax.distributed.initialize(coordinator, processes, process)
    except (ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:300]
        remedy = (
            "is every other process started, and the address theirs too?"
            if coordinator
            else "this is no cluster that JAX knows; give --coordinator, --processes and --process instead"  # noqa: E501
        )
        raise TrainingError(f"cannot join the other processes ({reason}); {remedy}") from error


def _check_coordinator(coordinator: str, processes: int | None, process: int | None) -> None:
    host, _, port = coordinator.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 1 << 16:
        raise TrainingError(
            f"the coordinator {coordinator!r} is not HOST:PORT; give the address of process 0"
        )
    if processes is None or process is None:
        raise TrainingError(
            "--coordinator needs --processes=N and --process=I, from 0 to N - 1; give all three"
        )
    if processes < 1 or not 0 <= process < processes:
        raise TrainingError(
            f"process {process} of {processes} cannot be; give --processes of at least 1, and "
            "--process from 0 to one less"
        )
    try:
        socket.getaddrinfo(host.strip("[]"), int(port))
    except OSError as problem:
        raise TrainingError(
            f"the host of the coordinator {coordinator!r} is not known here ({problem.strerror}); "
            "give its address"
        ) from problem


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
        raise TrainingError(
            f"config.batch_size is {batch_size}, which {mesh.size} devices cannot share; use a "
            "multiple"
        )


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
