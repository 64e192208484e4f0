"""What a measurement was made on."""

import datetime
import importlib.metadata
import os
import pathlib
import platform

import jax

_PACKAGES = ("jaxcodec", "jax", "jaxlib", "numpy", "scipy", "pillow", "constriction")


def describe() -> dict:
    """Machine, software and time, as JSON values.

    Returns:
      `cpu`, `cores` (those that this process may use), `memory_gib`, `devices` (JAX's), `system`,
      `versions`, `date`.
    """
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "devices": [device.device_kind for device in jax.devices()],
        "system": platform.platform(),
        "versions": {"python": platform.python_version()}
        | {name: _version(name) for name in _PACKAGES},
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _cpu() -> str:
    listing = pathlib.Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
