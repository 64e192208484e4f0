"""The codec as a value: a trained model and its tables, ready to run."""

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

import flax.traverse_util
import jax
import numpy as np

from jaxcodec import bundled, codec_file
from jaxcodec.codec import networks
from jaxcodec.codec_file import CodecContent
from jaxcodec.coding.host import RangeCoder, SymbolCoder


@dataclasses.dataclass(frozen=True, eq=False)
class Codec:
    """A trained model, frozen, with its tables.

    Attributes:
      name: what it is called.
      id: 16 hexadecimal digits that tell its content; .jxc files carry them.
      bpp_range: mean rates of its lowest and highest quality on photographs, in bpp.
      variable: whether it has a range of qualities, or one.
      params: the model's variables, on the device.
      networks: the compiled pieces of the model.
      coders: an entropy coder for each latent: "prior", and "conditional" where there is a hyper-latent.
    """

    name: str
    id: str
    bpp_range: tuple[float, float]
    variable: bool
    params: Mapping[str, Any]
    networks: networks.Networks
    coders: Mapping[str, SymbolCoder]

    @property
    def precision(self) -> int:
        """Bits of the probability tables."""
        return self.coders["prior"].tables.precision


def load(name_or_path: str | os.PathLike) -> Codec:
    """The bundled codec of that name, or the codec in that file.

    Raises:
      CodecFileError: there is none, or it is damaged or not a codec file.
      VersionError: a newer version of jaxcodec wrote it.
    """
    return create(codec_file.read(bundled.find(name_or_path)))


def create(content: CodecContent) -> Codec:
    """A codec from what its file holds."""
    weights = {tuple(path.split("/")): weight.astype(np.float32) for path, weight in content.weights.items()}
    description = content.metadata()["model"]
    return Codec(
        name=content.name,
        id=content.id,
        bpp_range=content.bpp_range,
        variable=description["gains"].get("points", 0) > 1,
        params=jax.device_put({"params": flax.traverse_util.unflatten_dict(weights)}),
        networks=networks.build(content.model),
        coders={name: RangeCoder(tables) for name, tables in content.tables.items()},
    )
