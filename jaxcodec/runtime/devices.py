"""The devices of JAX, queried where they are first needed.

So a missing device is reported in a plain sentence.
"""

import os

import jax

from jaxcodec.errors import DeviceError
from jaxcodec.runtime import jax_settings

_PLATFORMS = "JAX_PLATFORMS"


def check() -> None:
    """Makes sure that JAX has a device.

    Raises:
      DeviceError: it has none, as where JAX_PLATFORMS names a kind of device that is not here.
    """
    try:
        jax.devices()
    except (
        RuntimeError,
        AssertionError,
    ) as problem:  # an assertion where the platform is known, and its devices are not
        reason = str(problem).strip().partition("\n")[0][:200].rstrip(" .")
        platforms = jax_settings.value("jax_platforms")
        if not platforms:
            raise DeviceError(
                f"JAX finds no device to compute on ({reason}); install JAX anew"
            ) from problem
        source = (
            _PLATFORMS if os.environ.get(_PLATFORMS) == platforms else "the setting jax_platforms"
        )
        raise DeviceError(
            f"{source} asks for {platforms!r}, and JAX finds no such device "
            f"here{reason and f' ({reason})'}; unset {_PLATFORMS}, "
            "set it to cpu, or install JAX for that device"
        ) from problem
