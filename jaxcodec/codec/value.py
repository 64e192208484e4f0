"""The codec as a value: a trained model and its tables, ready to run."""

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import flax.traverse_util
import jax
import numpy as np

from jaxcodec import bundled, codec_file, extensions, integer, models
from jaxcodec.codec import geometry, kinds, networks
from jaxcodec.codec.kinds import Kind
from jaxcodec.codec_file import CodecContent
from jaxcodec.coding import coders, step, step_tables
from jaxcodec.coding.host import SymbolCoder
from jaxcodec.coding.lane_tables import LaneTables, for_encoding, lane_tables
from jaxcodec.coding.tables import Tables
from jaxcodec.errors import ExtensionError


class Host:
    """The tables of a codec for coders of the host, and what its file holds to make others from at another step.

    Two of them are equal that have as many tables in each set: compiled functions, which have `Codec.lane_tables`, depend
    on no more.

    Attributes:
      sets: table sets by name, "prior" and it may be "conditional".
      own_sets: those of the file.
      spec, arrays: of the integer networks, as in the file; the spec is JSON.
    """

    def __init__(self, own_sets: Mapping[str, Tables], spec: str, arrays: Mapping[str, np.ndarray], sets=None):
        self.own_sets, self.spec, self.arrays = own_sets, spec, arrays
        self.sets: Mapping[str, Tables] = own_sets if sets is None else sets
        self._coders: dict[tuple[str, str], SymbolCoder] = {}

    def with_sets(self, sets: Mapping[str, Tables]) -> "Host":
        """The same at another step."""
        return Host(self.own_sets, self.spec, self.arrays, sets)

    def coder(self, coder: str, name: str) -> SymbolCoder:
        """The coder of the host of that name, for a set; made once."""
        if (coder, name) not in self._coders:
            self._coders[coder, name] = coders.make(coder, self.sets[name])
        return self._coders[coder, name]

    def first(self, name: str) -> int:
        """The number of a set's first table, where the sets lie one after the other."""
        before = list(self.sets)[: list(self.sets).index(name)]
        return sum(len(self.sets[earlier]) for earlier in before)

    def _sizes(self) -> tuple[tuple[str, int], ...]:
        return tuple((name, len(tables)) for name, tables in self.sets.items())

    def __eq__(self, other):
        return isinstance(other, Host) and self._sizes() == other._sizes()

    def __hash__(self):
        return hash(self._sizes())


@dataclasses.dataclass(frozen=True, eq=False)
class Codec:
    """A trained model, frozen, with its tables. A pytree: a jitted function may take it as an argument.

    Attributes:
      name: what it is called.
      id: 16 hexadecimal digits that tell its content; .jxc files carry them.
      bpp_range: mean rates of its lowest and highest quality on photographs, in bpp.
      variable: whether it has a range of qualities, or one.
      scale_form: what the integers stand for that choose conditional tables, "linear" or "log".
      kind: what it codes under which tables.
      geometry: sizes of its arrays.
      networks: the compiled pieces of the model.
      host: integer probability tables for coders on the host, and what others are made from.
      params: the model's variables, on the device.
      integer: arrays of the integer networks, on the device.
      lane_tables: all tables, on the device.
      step: the quantiser step in units of the one it was trained with, float32 (); 1 unless `at_step` made it.
    """

    name: str
    id: str
    bpp_range: tuple[float, float]
    variable: bool
    scale_form: str
    kind: Kind
    geometry: geometry.Geometry
    networks: networks.Networks
    host: Host
    params: Mapping[str, Any]
    integer: Mapping[str, jax.Array]
    lane_tables: LaneTables
    step: Any

    @property
    def precision(self) -> int:
        """Bits of the probability tables."""
        return self.host.sets["prior"].precision

    def hyper_shape(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """The shape of the hyper-symbols of padded pixels of `size` (H, W)."""
        stride = self.geometry.stride
        return 1, size[0] // stride, size[1] // stride, len(self.host.sets["prior"])

    def latent_shape(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """The shape of the latent's symbols of padded pixels of `size` (H, W)."""
        stride = self.geometry.latent_stride
        return 1, size[0] // stride, size[1] // stride, self.geometry.channels

    def coder(self, coder: str, part: str) -> SymbolCoder:
        """The coder of the host of that name, for a part of the symbols; raises CoderError where it is not installed."""
        return self.host.coder(coder, self.kind.tables[part])

    def first_table(self, part: str) -> int:
        """The number of the first table of a part of the symbols in `lane_tables`."""
        return self.host.first(self.kind.tables[part])


_DATA = ("params", "integer", "lane_tables", "step")
jax.tree_util.register_dataclass(
    Codec, _DATA, [field.name for field in dataclasses.fields(Codec) if field.name not in _DATA]
)


def load(name_or_path: str | os.PathLike, *, allow: str | Sequence[str] = ()) -> Codec:
    """The bundled codec of that name, or the codec in that file.

    A codec of networks from outside the package names their modules, which only run where they are allowed: `allow` lists
    modules, those below them included, for this process. See `jaxcodec.extensions`.

    Raises:
      ExtensionError: it names code that was not allowed, or that cannot be imported.
      CodecFileError: there is none, or it is damaged or not a codec file.
      VersionError: another version of jaxcodec wrote it.
    """
    extensions.allow_imports(*([allow] if isinstance(allow, str) else allow))
    path = bundled.find(name_or_path)
    try:
        return create(codec_file.read(path))
    except ExtensionError as problem:
        raise ExtensionError(f"{path}: {problem}") from problem


def create(content: CodecContent) -> Codec:
    """A codec from what its file holds."""
    weights = {tuple(path.split("/")): weight.astype(np.float32) for path, weight in content.weights.items()}
    description = content.metadata()["model"]
    form = description.get("scale_form", "linear")
    return Codec(
        name=content.name,
        id=content.id,
        bpp_range=content.bpp_range,
        variable=description["gains"].get("points", 0) > 1,
        scale_form=form,
        kind=kinds.of(description),
        geometry=geometry.of(models.build(description)),
        networks=networks.build(content.model, content.spec),
        host=Host(content.tables, content.spec, content.integer),
        params=jax.device_put({"params": flax.traverse_util.unflatten_dict(weights)}),
        integer=jax.device_put(integer.at_step(json.loads(content.spec), form, content.integer, 0)),
        lane_tables=jax.device_put(lane_tables(*content.tables.values())),
        step=np.float32(1),
    )


def at_step(codec: Codec, field: int, *, decodes: bool = False) -> Codec:
    """The codec with the quantiser step of a field of `coding.step`; whatever step `codec` has does not count.

    What was compiled for one step serves all. Unless it `decodes`, the lanes of the codec can only encode, which spares
    making tables of a prior anew.
    """
    host, lookups = codec.host, codec.lane_tables
    stepped = integer.at_step(json.loads(host.spec), codec.scale_form, host.arrays, field)
    moved = {name: jax.device_put(array) for name, array in stepped.items() if array is not host.arrays.get(name)}
    if codec.kind.tables["latent"] == kinds.PRIOR:
        sets = {kinds.PRIOR: step_tables.at_step(host.own_sets[kinds.PRIOR], field)}
        host = host.with_sets(sets)
        lookups = lane_tables(*sets.values()) if decodes else for_encoding(lookups, *sets.values())
    return dataclasses.replace(
        codec, host=host, integer={**codec.integer, **moved}, lane_tables=lookups, step=np.float32(step.size(field))
    )
