"""From the float networks of a four-step model to integers: what that costs."""

import json

import jax
import numpy as np
import pytest
import small_codecs
from scipy.stats import norm

from jaxcodec import models
from jaxcodec.artefact.export import export_codec
from jaxcodec.codec import cost, create, symbols, tiles
from jaxcodec.codec.value import at_step
from jaxcodec.entropy import passes, scales
from jaxcodec.entropy.distributions.gaussian import gaussian_score
from jaxcodec.entropy.four_step_freezing import surprise_table

SCALES = np.geomspace(0.11, 256, 64)


def rounding(part, value, centre):
    del part
    rounded = jax.numpy.round(value - centre) + centre
    return rounded, rounded


@pytest.mark.parametrize("step_index", [0, 1500])
def test_files_weigh_what_training_with_rounding_estimates(photo, step_index):
    codec = at_step(small_codecs.build("four_step"), step_index)
    quality = np.array([2000], np.int32)
    analysis = symbols.analyse(codec, photo[None, 100:228, 200:328], quality, tiles.whole)
    coded = symbols.rounded(codec, analysis, tiles.whole)
    bits = float(jax.jit(cost.latent_bits)(codec, coded.latent, analysis.side).sum())
    bits += float(cost.hyper_bits(codec, coded.hyper))
    model = models.build(small_codecs.DESCRIPTIONS["four_step"])

    @jax.jit
    def of_floats(params, pixels):
        def of(module):
            fraction = quality / np.float32(10_000)
            latent = module.to_latent(pixels, fraction)
            hyper = module.to_hyper_latent(latent, fraction)
            return module.quantised(latent, hyper, fraction, rounding, codec.step)

        return model.apply(params, method=of)

    found = of_floats(codec.params, photo[None, 100:228, 200:328].astype(np.float32) / 255)
    assert bits == pytest.approx(float(found.bits[0]), rel=0.005)


def test_tables_of_later_passes_move_as_the_float_networks_say(photo):
    params = {
        name: jax.tree.map(lambda leaf: 3 * leaf, own) if name.startswith("scale_context") else own
        for name, own in small_codecs.params("four_step")["params"].items()
    }  # so that contexts move scales by a level and more
    content = export_codec(
        small_codecs.DESCRIPTIONS["four_step"],
        {"params": params},
        name="moving",
        bpp_range=(0.2, 2.0),
        pictures=small_codecs.pictures(),
        tables="gaussian",
    )
    codec, quality = create(content), np.array([4000], np.int32)
    analysis = symbols.analyse(codec, photo[None, 100:228, 200:328], quality, tiles.whole)
    coded = symbols.rounded(codec, analysis, tiles.whole)
    tables = np.asarray(codec.order.coded(codec.integer, coded.latent, *analysis.side).indices)
    model, found = models.build(small_codecs.DESCRIPTIONS["four_step"]), np.float32(coded.latent)

    def of(module):
        _, first, where = module.centre(coded.hyper, quality / np.float32(10_000))
        order, scale = passes.pass_of(where, found.shape[-1]), first
        for number in range(1, 4):
            surprise = jax.numpy.where(order < number, gaussian_score(found, scale), 0)
            grown = first * jax.numpy.exp(module.growth(number, surprise, first))
            scale = jax.numpy.where(order == number, grown, scale)
        return scales.level(first), scales.level(scale), order

    own, then, order = map(np.asarray, model.apply(codec.params, method=of))
    moved, expected = (tables - own)[order > 0], (then - own)[order > 0]
    assert np.std(expected) > 0.3
    # A table is the nearest level, off by 1/12 of a squared level; bytes add a little to that.
    assert np.mean(np.square(moved - expected)) < 1 / 12 + 0.1 * np.var(expected)
    slope = (moved * expected).sum() / np.square(expected).sum()
    assert slope == pytest.approx(1, abs=0.05)


def test_the_table_of_surprise_is_the_slope_of_the_mass_in_bytes():
    table = surprise_table()
    assert table.shape == (64, 1024) and table.dtype == np.int8
    for level, size in [(0, 0), (0, 1), (15, 0), (15, 1), (30, 3), (30, 20), (45, 100), (63, 1023)]:

        def log_mass(change, level=level, size=size):
            scale = SCALES[level] * np.exp(change)
            return np.log(norm.sf(size - 0.5, scale=scale) - norm.sf(size + 0.5, scale=scale))

        slope = (log_mass(1e-4) - log_mass(-1e-4)) / 2e-4
        assert table[level, size] == pytest.approx(np.clip(slope, -6, 6) * 127 / 6, abs=0.6)
    assert (np.diff(table.astype(int), axis=1) >= 0).all()


def test_the_spec_tells_the_model_and_the_arrays_have_what_it_needs():
    content = small_codecs.content("four_step")
    spec, arrays = json.loads(content.spec), content.integer
    assert spec["kind"] == "four_step" and len(spec["passes"]) == 3
    assert {name.split("/")[0] for name in arrays} == {
        "hyper", "1", "2", "3", "thresholds", "surprise",
    }  # fmt: skip
    kernels = [array for name, array in arrays.items() if name.endswith("/kernel")]
    assert all(kernel.dtype == np.int8 for kernel in kernels)
    assert [arrays[f"{number}/0/kernel"].shape for number in (1, 2, 3)] == [(1, 1, 16, 6)] * 3
    np.testing.assert_array_equal(arrays["surprise"], surprise_table())
    assert np.all(np.diff(arrays["thresholds"]) > 0) and len(arrays["thresholds"]) == 63
