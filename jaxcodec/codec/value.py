"""The codec as a value: a trained model and its tables, ready to run."""

import dataclasses
import functools
import os
from collections.abc import Mapping
from typing import Any

import flax.traverse_util
import jax
import numpy as np

from jaxcodec import bundled, codec_file, models
from jaxcodec.codec import geometry, kinds, networks
from jaxcodec.codec.kinds import Kind
from jaxcodec.codec_file import CodecContent
from jaxcodec.coding import coders
from jaxcodec.coding.host import SymbolCoder
from jaxcodec.coding.lane_tables import LaneTables, lane_tables
from jaxcodec.coding.tables import Tables


@dataclasses.dataclass(frozen=True, eq=False)
class TableSets:
    """The table sets of a codec by name, "prior" and it may be "conditional"; compared by identity."""

    sets: Mapping[str, Tables]

    @functools.cache
    def coder(self, coder: str, name: str) -> SymbolCoder:
        """The coder of the host of that name, for a set."""
        return coders.make(coder, self.sets[name])

    @functools.cache
    def first(self, name: str) -> int:
        """The number of a set's first table, where the sets lie one after the other."""
        before = list(self.sets)[: list(self.sets).index(name)]
        return sum(len(self.sets[earlier]) for earlier in before)


@dataclasses.dataclass(frozen=True, eq=False)
class Codec:
    """A trained model, frozen, with its tables. A pytree: a jitted function may take it as an argument.

    Attributes:
      name: what it is called.
      id: 16 hexadecimal digits that tell its content; .jxc files carry them.
      bpp_range: mean rates of its lowest and highest quality on photographs, in bpp.
      variable: whether it has a range of qualities, or one.
      kind: what it codes under which tables.
      geometry: sizes of its arrays.
      networks: the compiled pieces of the model.
      tables: integer probability tables, for coders on the host.
      params: the model's variables, on the device.
      integer: arrays of the integer networks, on the device.
      lane_tables: all tables, on the device.
    """

    name: str
    id: str
    bpp_range: tuple[float, float]
    variable: bool
    kind: Kind
    geometry: geometry.Geometry
    networks: networks.Networks
    tables: TableSets
    params: Mapping[str, Any]
    integer: Mapping[str, jax.Array]
    lane_tables: LaneTables

    @property
    def precision(self) -> int:
        """Bits of the probability tables."""
        return self.tables.sets["prior"].precision

    def hyper_shape(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """The shape of the hyper-symbols of padded pixels of `size` (H, W)."""
        stride = self.geometry.stride
        return 1, size[0] // stride, size[1] // stride, len(self.tables.sets["prior"])

    def latent_shape(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """The shape of the latent's symbols of padded pixels of `size` (H, W)."""
        stride = self.geometry.latent_stride
        return 1, size[0] // stride, size[1] // stride, self.geometry.channels


    def coder(self, coder: str, part: str) -> SymbolCoder:
        """The coder of the host of that name, for a part of the symbols; raises CoderError where it is not installed."""
        return self.tables.coder(coder, self.kind.tables[part])

    def first_table(self, part: str) -> int:
        """The number of the first table of a part of the symbols in `lane_tables`."""
        return self.tables.first(self.kind.tables[part])


_DATA = ("params", "integer", "lane_tables")
jax.tree_util.register_dataclass(
    Codec, _DATA, [field.name for field in dataclasses.fields(Codec) if field.name not in _DATA]
)


def load(name_or_path: str | os.PathLike) -> Codec:
    """The bundled codec of that name, or the codec in that file.

    Raises:
      CodecFileError: there is none, or it is damaged or not a codec file.
      VersionError: another version of jaxcodec wrote it.
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
        kind=kinds.of(description),
        geometry=geometry.of(models.build(description)),
        networks=networks.build(content.model, content.spec),
        tables=TableSets(content.tables),
        params=jax.device_put({"params": flax.traverse_util.unflatten_dict(weights)}),
        integer=jax.device_put(content.integer),
        lane_tables=jax.device_put(lane_tables(*content.tables.values())),
    )
