"""Symbols do not depend on floats: what an other device computes otherwise moves pixels a little,
and nothing else.
"""

import dataclasses
import functools
import os
import pathlib
import subprocess
import sys

import fault_injection
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small_codecs

import jaxcodec
from jaxcodec import models
from jaxcodec.artefact import codec_file
from jaxcodec.codec import decode, encode, streams, symbols, tiles
from jaxcodec.coding import container
from jaxcodec.entropy import passes
from jaxcodec.entropy.context_model import ContextOrder
from jaxcodec.entropy.distributions.gaussian import gaussian_score, scale_index, scale_table
from jaxcodec.entropy.four_step import FourPasses
from jaxcodec.entropy.hyperprior import HyperThenLatent
from jaxcodec.entropy.order import Symbols
from jaxcodec.errors import BitstreamError

RELATIVE = 1e-3
"""Of the noise: thousands of times what devices differ by."""


def elsewhere(codec, **pieces):
    """The codec on another device: noise in every operation of its networks, unless a piece of the
    order is given.
    """
    noisy = functools.partial(fault_injection.noisy, relative=RELATIVE)
    networks = {
        name: noisy(piece) for name, piece in codec.networks._asdict().items() if callable(piece)
    }
    order = {name: noisy(piece) for name, piece in pieces_of(codec.order).items()}
    return dataclasses.replace(
        codec,
        networks=codec.networks._replace(**networks),
        order=dataclasses.replace(codec.order, **(order | pieces)),
    )


def pieces_of(order) -> dict:
    """The integer networks of an order, by name."""
    fields = (field.name for field in dataclasses.fields(order))
    return {name: getattr(order, name) for name in fields if callable(getattr(order, name))}


@pytest.fixture(scope="module")
def coder(any_codec):
    return "lanes" if any_codec.order.sequential else "host"


def symbols_of(codec, data: bytes) -> Symbols:
    header, parts, _ = container.read(data)
    size = [side + -side % codec.geometry.stride for side in (header.height, header.width)]
    quality = np.array([header.quality or 0], np.int32)
    return streams.decode(
        codec, streams.Stream(header.coder, header.lanes, parts), tuple(size), quality
    )


@pytest.mark.long_but("tiny", "factorized", "mixture")
def test_noise_in_every_float_activation_of_the_decoder_moves_pixels_and_no_symbol(any_codec, face):
    data = encode(any_codec, face)
    other = decode(
        elsewhere(any_codec), data
    )  # the checksum of the symbols was right, or this had raised
    difference = np.abs(other.astype(int) - decode(any_codec, data))
    assert difference.max() > 0
    assert np.quantile(difference, 0.99) <= 8


def test_a_static_table_stands_any_noise(face):
    """A tenth of every float: mean and sigma move pixels, and no table follows from them."""
    codec = small_codecs.build("normalised")
    data = encode(codec, face)
    networks = {
        name: fault_injection.noisy(piece, 0.1)
        for name, piece in codec.networks._asdict().items()
        if callable(piece)
    }
    loud = dataclasses.replace(codec, networks=codec.networks._replace(**networks))
    assert np.abs(decode(loud, data).astype(int) - decode(codec, data)).max() > 8
    for own, other in zip(symbols_of(codec, data), symbols_of(loud, data), strict=True):
        np.testing.assert_array_equal(own, other)


def test_the_same_noise_on_a_float_scale_path_loses_the_symbols(tiny, face):
    """The test of the test above: it finds a design that only seems exact."""
    model = models.build(small_codecs.DESCRIPTIONS["tiny"])

    @jax.jit
    def float_index(hyper_symbols, quality):
        return scale_index(
            model.apply(tiny.params, hyper_symbols, quality / np.float32(10_000), method="scale")
        )

    def index(arrays, hyper_symbols, quality):
        return float_index(hyper_symbols, quality)

    def noisy_index(arrays, hyper_symbols, quality):
        return fault_injection.noisy(float_index, RELATIVE)(hyper_symbols, quality)

    # An encoder takes the two halves of it.
    pieces = {"index": index, "scale": index, "level": lambda arrays, index: index}
    here = dataclasses.replace(tiny, order=dataclasses.replace(tiny.order, **pieces))
    data = encode(here, face, quality=80)
    assert np.array_equal(decode(here, data), decode(here, data))
    with pytest.raises(BitstreamError):
        decode(elsewhere(tiny, index=noisy_index), data)


def test_the_same_noise_on_a_context_in_floats_loses_the_symbols(photo):
    """The counter-test for passes: their scales must not come from floats either."""
    codec = small_codecs.build("four_step")
    model = models.build(small_codecs.DESCRIPTIONS["four_step"])
    unit = np.float32(np.log(256 / 0.11) / 63 / 256)
    picture = photo[100:228, 200:328]

    def float_index(symbols, indices, scale, where, *, number):
        first = jnp.exp(unit * scale)
        if number == 0:
            return scale_index(first)
        order = passes.pass_of(where, symbols.shape[-1])

        def of(module):
            score = gaussian_score(symbols.astype(jnp.float32), scale_table()[indices])
            return module.growth(number, jnp.where(order < number, score, 0), first)

        grown = first * jnp.exp(model.apply(codec.params, method=of))
        return jnp.where(order == number, scale_index(grown), indices)

    def with_index(of_floats):
        def first(thresholds, scale):
            return of_floats(None, None, scale, None, number=0)

        def later(own, thresholds, surprise, *given):
            *given, number = given
            return of_floats(*given, number=int(number))

        order = dataclasses.replace(codec.order, first=first, later=later)
        return dataclasses.replace(codec, order=order)

    here = with_index(jax.jit(float_index, static_argnames="number"))
    there = with_index(fault_injection.noisy(float_index, RELATIVE))
    data = encode(here, picture, quality=80)
    assert decode(here, data).shape == picture.shape
    with pytest.raises(BitstreamError):
        decode(there, data)


def test_pieces_that_choose_tables_have_no_float_operation(any_codec):
    order, integer = any_codec.order, any_codec.integer
    quality = np.array([5000], np.int32)
    hyper = np.zeros(any_codec.hyper_shape((64, 64)), np.int32)
    latent = np.zeros(any_codec.latent_shape((64, 64)), np.int32)
    given = {}
    if isinstance(order, HyperThenLatent):
        scale = order.scale(integer, hyper, quality)
        given = {"index": (hyper, quality), "scale": (hyper, quality), "level": (scale,)}
    if isinstance(order, ContextOrder):
        given = {
            "hyper_part": (hyper, quality),
            "context_codes": (latent,),
            "context_part": (np.zeros((3, 12 * latent.shape[-1]), np.int8),),
            "parameters": (order.hyper_part(integer, hyper, quality),),
        }
    pieces = pieces_of(order)
    if isinstance(order, FourPasses):
        side = order.scale(integer, hyper, quality)
        given = dict.fromkeys(("first", "later"), (latent, latent, *side))
        given["scale"] = (hyper, quality)
        for number, name in ((0, "first"), (3, "later")):
            pieces[name] = functools.partial(order.index, number=number)
    assert set(given) == set(pieces)
    for name, arguments in given.items():
        assert not fault_injection.float_operations(pieces[name], integer, *arguments)
    assert fault_injection.float_operations(
        any_codec.networks.latent, any_codec.params, np.zeros((1, 64, 64, 3), np.uint8), quality
    )


@pytest.mark.long_but("tiny", "factorized", "scale")
def test_without_jit_the_symbols_are_the_same(any_codec, face):
    if any_codec.name in ("mixture", "patch"):
        pytest.skip("the other kinds show it; operation by operation these take half a minute")
    data = encode(any_codec, face[:20, :20])
    compiled = symbols_of(any_codec, data)
    plain = {name: piece.__wrapped__ for name, piece in pieces_of(any_codec.order).items()}
    with jax.disable_jit():
        order = dataclasses.replace(any_codec.order, **plain)
        interpreted = symbols_of(dataclasses.replace(any_codec, order=order), data)
    for one, other in zip(compiled, interpreted, strict=True):
        assert one is other is None or np.array_equal(one, other)


def test_batched_and_mapped_integer_networks_give_the_same(any_codec):
    order, integer = any_codec.order, any_codec.integer
    rng = np.random.default_rng(0)
    shape = any_codec.hyper_shape((128, 64))
    hyper = rng.integers(-9, 10, (5, *shape[1:])).astype(np.int32)
    quality = np.array([0, 1, 5000, 9999, 10_000], np.int32)
    if not pieces_of(order):
        pytest.skip("a factorized prior has no network")

    latent = rng.integers(-9, 10, any_codec.latent_shape((128, 64))).astype(np.int32)

    def run(integer, hyper, quality):
        if isinstance(order, HyperThenLatent):
            return order.index(integer, hyper, quality)
        if isinstance(order, FourPasses):
            scale, places = order.scale(integer, hyper, quality)
            of_all = np.broadcast_to(latent, scale.shape)
            return order.coded(integer, of_all, scale, places).indices
        return order.parameters(integer, order.hyper_part(integer, hyper, quality))

    one_by_one = [run(integer, hyper[i : i + 1], quality[i : i + 1]) for i in range(5)]
    one_by_one = jax.tree.map(lambda *parts: np.concatenate(parts), *one_by_one)
    batch = run(integer, hyper, quality)
    mapped = jax.vmap(lambda h, q: jax.tree.map(lambda a: a[0], run(integer, h[None], q[None])))(
        hyper, quality
    )
    for expected, *others in zip(*map(jax.tree.leaves, (one_by_one, batch, mapped)), strict=True):
        assert all(np.array_equal(expected, other) for other in others)


@pytest.mark.long_but("x64")
@pytest.mark.parametrize("setting", ["x64", "one thread", "optimised"])
def test_another_process_decodes_the_same_symbols(setting, face, tmp_path):
    names = sorted(small_codecs.DESCRIPTIONS)
    for name in names:
        codec_file.save(tmp_path / f"{name}.codec", small_codecs.content(name))
        (tmp_path / f"{name}.jxc").write_bytes(encode(small_codecs.build(name), face))
    script = f"""
import os, pathlib
if {setting!r} == "one thread" and hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1])
import jaxcodec
for name in {names!r}:
    print(name, jaxcodec.decode(jaxcodec.load(name + ".codec"), pathlib.Path(name + ".jxc").read_bytes()).shape)
"""  # noqa: E501
    root = pathlib.Path(jaxcodec.__file__).parent.parent
    environment = os.environ | {"PYTHONPATH": str(root)}
    if setting == "x64":
        environment["JAX_ENABLE_X64"] = "1"
    if setting == "optimised":
        environment.pop("XLA_FLAGS", None)  # the tests compile without optimisation
    process = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    assert len(process.stdout.splitlines()) == len(names)


@pytest.mark.long_but("tiny", "factorized")
def test_an_encoder_elsewhere_writes_files_that_decode_here(any_codec, face):
    there = elsewhere(any_codec)
    pixels = decode(any_codec, encode(there, face))
    assert pixels.shape == face.shape


def test_synthesis_in_windows_changes_no_symbol(tiny, face):
    quality = np.array([5000], np.int32)
    padded = np.pad(face, ((0, 16), (0, 4), (0, 0)), mode="edge")[None]
    whole = symbols.rounded(
        tiny, symbols.analyse(tiny, padded, quality, run=tiles.whole), run=tiles.whole
    )
    assert np.array_equal(
        whole.latent, symbols.rounded(tiny, symbols.analyse(tiny, padded, quality)).latent
    )
