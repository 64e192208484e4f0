"""The codec as a value: a trained model and its tables, ready to run."""

import dataclasses
import functools
import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import flax.traverse_util
import jax
import jax.export
import numpy as np
from jax.core import Tracer

from jaxcodec import extensions, models
from jaxcodec.artefact import bundled, codec_file, lookup
from jaxcodec.artefact.codec_file import CodecContent
from jaxcodec.codec import networks
from jaxcodec.coding import coders, container, quantiser_step
from jaxcodec.coding.host import SymbolCoder
from jaxcodec.coding.lane_tables import LaneTables, for_encoding, lane_tables
from jaxcodec.coding.tables import Tables
from jaxcodec.entropy import geometry
from jaxcodec.entropy.order import Order, Run
from jaxcodec.errors import CodecError, ExtensionError
from jaxcodec.ops import Array
from jaxcodec.runtime import devices, jax_settings, programs


class Host:
    """The host's part of a codec: the content of its file, and its tables for host coders.

    Two of them are equal that have as many tables in each set: compiled functions, which have
    `Codec.lane_tables`, depend on no more.

    Attributes:
      content: of the file.
      sets: table sets by name, "prior" and it may be "conditional" or "static": those of the file,
        or made from them at another step.
    """

    def __init__(self, content: CodecContent, sets: Mapping[str, Tables] | None = None):
        self.content = content
        # Sorted, so that a function exported elsewhere finds them in the same order, whoever made
        # the content.
        self.sets: Mapping[str, Tables] = dict(
            sorted((content.tables if sets is None else sets).items())
        )
        self._coders: dict[tuple[str, str], SymbolCoder] = {}

    def with_sets(self, sets: Mapping[str, Tables]) -> "Host":
        """The same at another step."""
        return Host(self.content, sets)

    def coder(self, coder: str, name: str) -> SymbolCoder:
        """The coder of the host of that name, for a set; made once."""
        if (coder, name) not in self._coders:
            self._coders[coder, name] = coders.make(coder, self.sets[name])
        return self._coders[coder, name]

    def first(self, name: str) -> int:
        """The number of a set's first table, where the sets lie one after the other."""
        before = list(self.sets)[: list(self.sets).index(name)]
        return sum(len(self.sets[earlier]) for earlier in before)

    def sizes(self) -> tuple[tuple[str, int], ...]:
        """The name of each set, and how many tables it has."""
        return tuple((name, len(tables)) for name, tables in self.sets.items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Host) and self.sizes() == other.sizes()

    def __hash__(self) -> int:
        return hash(self.sizes())


@dataclasses.dataclass(frozen=True, eq=False)
class Codec:
    """A trained model, frozen, with its tables.

    A pytree: a jitted function may take it as an argument.

    Two codecs are equal that have the same id and are at the same step. One is pickled as the
    content of its file, and made from that anew, on the default device; inside `jit`, where it has
    no values, it cannot be.

    Attributes:
      name: what it is called.
      id: 16 hexadecimal digits that identify its content; .jxc files carry them.
      bpp_range: mean rates of its lowest and highest quality on photographs, in bpp.
      variable: whether it has a range of qualities, or one.
      order: what it codes under which tables, one after the other.
      geometry: sizes of its arrays.
      networks: the compiled pieces of the model that are made of floats.
      host: the content of its file, and integer probability tables for coders on the host.
      params: the model's variables, on the device.
      integer: arrays of the integer networks, on the device.
      lane_tables: all tables, on the device.
      step: the quantiser step in units of the one it was trained with, float32 (); 1 unless
        `at_step` made it.
    """

    name: str
    id: str
    bpp_range: tuple[float, float]
    variable: bool
    order: Order
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

    @property
    def step_index(self) -> int | None:
        """The index of the step (`quantiser_step`).

        None where the codec is traced, or has a batch of steps.
        """
        known = isinstance(self.step, (np.generic, np.ndarray, jax.Array)) and not isinstance(
            self.step, Tracer
        )
        if not known or np.shape(self.step) != ():
            return None
        return round(math.log(float(jax.device_get(self.step))) / quantiser_step.UNIT)

    def hyper_shape(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """The shape of the hyper-symbols of padded pixels of `size` (H, W)."""
        stride = self.geometry.stride
        return 1, size[0] // stride, size[1] // stride, len(self.host.sets["prior"])

    def latent_shape(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """The shape of the latent's symbols of padded pixels of `size` (H, W)."""
        stride = self.geometry.latent_stride
        return 1, size[0] // stride, size[1] // stride, self.geometry.channels

    def side(self, hyper: Any, quality: Array, run: Run) -> tuple[Array, ...]:
        """What the tables of the latent follow from, see `Order.side`."""
        return self.order.side(self.integer, hyper, quality, run)

    def coder(self, coder: str, part: str) -> SymbolCoder:
        """The host's coder of that name, for a part of the symbols.

        Raises CoderError where it is not installed.
        """
        return self.host.coder(coder, self.order.tables[part])

    def first_table(self, part: str) -> int:
        """The number of the first table of a part of the symbols in `lane_tables`."""
        return self.host.first(self.order.tables[part])

    def __repr__(self) -> str:
        entropy = json.loads(self.host.content.model)["entropy"]
        low, high = self.bpp_range
        rates = f"{low:.2f} to {high:.2f} bpp" if self.variable else f"{low:.2f} bpp"
        at = (
            "" if self.step_index in (0, None) else f", step {float(jax.device_get(self.step)):.4g}"
        )
        return f"<Codec {self.name!r} {self.id}: {entropy}, {rates}{at}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Codec):
            return NotImplemented
        known = None not in (self.step_index, other.step_index)
        return self is other or (
            known and (self.id, self.step_index) == (other.id, other.step_index)
        )

    def __hash__(self) -> int:
        return hash(self.id)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        if self.step_index is None:
            raise CodecError(
                f"the codec {self.name} has no values here, inside of a transformation such as jit "
                "or vmap, and cannot be "
                "pickled; pickle it outside"
            )
        return _restored, (self.host.content, self.step_index)


_DATA = ("params", "integer", "lane_tables", "step")
_META = tuple(field.name for field in dataclasses.fields(Codec) if field.name not in _DATA)
jax.tree_util.register_dataclass(Codec, _DATA, _META)


def kept(function: Callable) -> Callable:
    """`jax.jit(function)` of a codec and arrays, whose programs are kept between runs.

    See `runtime.programs`.
    """

    @functools.lru_cache(maxsize=16)
    def of_structure(structure):
        host = jax.tree.unflatten(structure, range(structure.num_leaves)).host
        name = f"{function.__module__}.{function.__name__} {host.content.spec} {host.sizes()}"

        def flat(leaves, *arguments):
            return function(jax.tree.unflatten(structure, leaves), *arguments)

        return programs.kept(flat, networks.identity(host.content.model, name))

    @functools.wraps(function)
    def call(codec: Codec, *arguments: Any) -> Any:
        leaves, structure = jax.tree.flatten(codec)
        return of_structure(structure)(leaves, *arguments)

    return call


def load(name_or_path: str | os.PathLike[str], *, allow: str | Sequence[str] = ()) -> Codec:
    """The bundled codec of that name, or the codec in that file.

    A codec of networks from outside the package names their modules, which only run where they are
    allowed: `allow` lists modules, those below them included, for this process. See
    `jaxcodec.extensions`.

    Raises:
      ExtensionError: it names code that was not allowed, or that cannot be imported.
      CodecFileError: there is none, or it is damaged or not a codec file.
      VersionError: another version of jaxcodec wrote it.
      DeviceError: JAX has no device to compute on.
    """
    extensions.allow_imports(*([allow] if isinstance(allow, str) else allow))
    path = bundled.find(name_or_path)
    try:
        return create(codec_file.read(path))
    except ExtensionError as problem:
        raise ExtensionError(f"{path}: {problem}") from problem


def codec_of(data: bytes | bytearray | memoryview, *, allow: str | Sequence[str] = ()) -> Codec:
    """The codec that wrote a .jxc file, found by the id that the file carries.

    It is looked for among the bundled ones and in the user's folders, see
    `jaxcodec.artefact.lookup`, and loaded anew each time: keep it for other files of that id
    (`jaxcodec.read_header(data).codec_id`).

    Args:
      data: the whole file.
      allow: as of `load`.

    Raises:
      CodecFileError: no codec of that id was found, or its file is damaged.
      VersionError: another version of jaxcodec wrote the file.
      BitstreamError: it is not a .jxc file, or is damaged; or `data` are no bytes.
      ExtensionError, DeviceError: as `load`.
    """
    return load(lookup.find(container.read_header(data).codec_id), allow=allow)


def require(codec: Any) -> None:
    """Raises CodecError unless `codec` is one."""
    if not isinstance(codec, Codec):
        name = (
            repr(codec)
            if isinstance(codec, (str, os.PathLike))
            else f"an object of the type {type(codec).__name__}"
        )
        argument = (
            repr(os.fspath(codec)) if isinstance(codec, (str, os.PathLike)) else "NAME_OR_PATH"
        )
        raise CodecError(f"{name} is not a codec; give what jaxcodec.load({argument}) returns")


def _restored(content: CodecContent, step_index: int) -> Codec:
    codec = create(content)
    return at_step(codec, step_index, decodes=True) if step_index else codec


@jax_settings.ours
def create(content: CodecContent) -> Codec:
    """A codec from what its file holds. Raises DeviceError where JAX has no device."""
    devices.check()
    weights = {
        tuple(path.split("/")): weight.astype(np.float32)
        for path, weight in content.weights.items()
    }
    static = _static(content, content.id)
    arrays = static["order"].arrays_at(content.integer, 0)
    return Codec(
        **static,
        params=jax.device_put({"params": flax.traverse_util.unflatten_dict(weights)}),
        # A codec file has no arrays without axes; a content that was never in a file may.
        integer=jax.device_put({name: np.atleast_1d(array) for name, array in arrays.items()}),
        lane_tables=jax.device_put(lane_tables(*static["host"].sets.values())),
        step=jax.device_put(np.float32(1)),
    )


def _static(content: CodecContent, codec_id: str) -> dict[str, Any]:
    """The fields of a codec that are not arrays."""
    description = json.loads(content.model)
    model = models.build(description)
    return {
        "name": content.name,
        "id": codec_id,
        "bpp_range": content.bpp_range,
        "variable": description["gains"].get("points", 0) > 1,
        "order": _order(content.model, content.spec),
        "geometry": geometry.of(model),
        "networks": networks.build(content.model),
        "host": Host(content),
    }


@functools.lru_cache(maxsize=16)
def _order(description_json: str, spec_json: str) -> Order:
    """The order of coding; the same JSON gives the same object, and so the same compiled pieces."""
    model = models.build(json.loads(description_json))
    return model.order(json.loads(spec_json), geometry.of(model))


def _static_to_bytes(values: tuple) -> bytes:
    """What a function that `jax.export` serialises needs to know of the codec that it takes."""
    static = dict(zip(_META, values, strict=True))
    content = static["host"].content
    fields = {name: getattr(content, name) for name in ("name", "model", "spec", "bpp_range")}
    return json.dumps([fields, static["id"], dict(static["host"].sizes())]).encode()


def _static_from_bytes(data: bytes) -> tuple:
    fields, codec_id, sizes = json.loads(data)
    fields["bpp_range"] = tuple(fields["bpp_range"])
    # Only the number of tables counts where no codec is.
    tables: Any = {name: range(size) for name, size in sizes.items()}
    static = _static(CodecContent(**fields, summary="", weights={}, tables=tables), codec_id)
    return tuple(static[name] for name in _META)


def _from_children(static: Any, arrays: Any) -> Codec:
    return Codec(**dict(zip(_META, static, strict=True)), **dict(zip(_DATA, arrays, strict=True)))


jax.export.register_pytree_node_serialization(
    Codec,
    serialized_name="jaxcodec.Codec",
    serialize_auxdata=_static_to_bytes,
    deserialize_auxdata=_static_from_bytes,
    from_children=_from_children,  # pyright: ignore[reportArgumentType] JAX's type asks too much
)
jax.export.register_namedtuple_serialization(LaneTables, serialized_name="jaxcodec.LaneTables")


@jax_settings.ours
def at_step(codec: Codec, step_index: int, *, decodes: bool = False) -> Codec:
    """The codec with the quantiser step of an index of `quantiser_step`.

    The present step of `codec` does not count.

    What was compiled for one step serves all. Unless it `decodes`, the lanes of the codec can only
    encode, which spares making tables of a prior anew.
    """
    host, content, lookups = codec.host, codec.host.content, codec.lane_tables
    stepped = codec.order.arrays_at(content.integer, step_index)
    moved = {
        name: jax.device_put(array)
        for name, array in stepped.items()
        if array is not content.integer.get(name)
    }
    if codec.order.tables_depend_on_step:
        sets = codec.order.tables_at(content.tables, step_index)
        host = host.with_sets(sets)
        # In the host's order: whoever made the content may have had another.
        own = host.sets.values()
        lookups = lane_tables(*own) if decodes else for_encoding(lookups, *own)
    return dataclasses.replace(
        codec,
        host=host,
        integer={**codec.integer, **moved},
        lane_tables=lookups,
        step=jax.device_put(np.float32(quantiser_step.size(step_index))),
    )
