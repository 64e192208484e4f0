"""Training from the weights of a run or a codec, read off at other qualities, and grown."""

import jax
import numpy as np
import pytest
import small_codecs
from ml_collections import config_dict

from jaxcodec import models
from jaxcodec.artefact import codec_file
from jaxcodec.artefact.export import export_codec
from jaxcodec.errors import CodecFileError, TrainingError
from jaxcodec.models import presets
from jaxcodec.training import start


def test_tables_over_the_quality_are_read_off():
    table = np.array([[0.0, 5.0], [1.0, 6.0], [3.0, 7.0]])
    np.testing.assert_allclose(start.read_off(table, 3, (0.0, 1.0)), table)
    np.testing.assert_allclose(start.read_off(table, 1, (0.25, 0.25)), [[0.5, 5.5]])
    np.testing.assert_allclose(start.read_off(table, 2, (0.5, 0.75)), [[1.0, 6.0], [2.0, 6.5]])
    np.testing.assert_allclose(start.read_off(table, 2, (-0.5, 1.5)), [[-1.0, 4.0], [5.0, 8.0]])
    np.testing.assert_allclose(start.read_off(table[:1], 2, (0.0, 1.0)), table[[0, 0]])


def start_of(**settings):
    return config_dict.ConfigDict(
        {"workdir": "", "codec": "", "grow": False, "qualities": (0.0, 1.0)} | settings
    )


def model_of(entropy: dict, points: int = 3, width: int = 8, blocks: int = 1):
    settings = {"width": 8, "blocks": blocks, "hyper": 8, "points": points}
    description = presets.patch_model(12, first_gain=2, last_gain=20, **settings) | entropy
    for part in ("analysis", "synthesis"):
        description[part]["width"] = width
    return models.build(description), description


def template_of(model, seed: int = 0):
    key = jax.random.key(seed, impl="unsafe_rbg")
    arguments = np.zeros((1, 64, 64, 3), np.float32), np.zeros(1, np.float32), key
    return jax.jit(model.init)(key, *arguments)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A model, and a codec file of it with weights as training would leave them."""
    model, description = model_of({})
    rng = np.random.default_rng(0)
    params = jax.tree.map(
        lambda leaf: leaf + rng.normal(0, 0.05, leaf.shape).astype(np.float32), template_of(model)
    )
    content = export_codec(
        description, params, name="s", bpp_range=(0.1, 1.0), pictures=small_codecs.pictures()
    )
    path = tmp_path_factory.mktemp("start") / "small.codec"
    codec_file.save(path, content)
    return model, params, str(path)


def test_the_weights_of_a_codec_are_those_of_its_file(small):
    model, params, path = small
    found = start.params_of(start_of(codec=path), template_of(model, seed=1))
    jax.tree.map(
        lambda own, other: np.testing.assert_allclose(own, other, rtol=1e-3, atol=1e-4),
        found,
        params,
    )


@pytest.mark.parametrize(
    ("entropy", "width", "blocks"),
    [({}, 12, 2), ({"entropy": "four_step", "context_width": 6}, 12, 2)],
)
def test_a_grown_model_computes_what_the_smaller_one_did(small, photo, entropy, width, blocks):
    model, _, path = small
    larger, _ = model_of(entropy, width=width, blocks=blocks)
    params = start.params_of(start_of(codec=path), template_of(model))
    grown = start.params_of(start_of(codec=path, grow=True), template_of(larger, seed=3))
    given = photo[None, :64, :64] / np.float32(255), np.array([0.4], np.float32), jax.random.key(0)
    before, after = (
        jax.jit(lambda v, m=m: m.apply(v, *given, kind="round"))(weights)
        for m, weights in ((model, params), (larger, grown))
    )
    np.testing.assert_allclose(after.image, before.image, atol=1e-4)
    np.testing.assert_allclose(after.bits, before.bits, rtol=1e-4)
    sizes = [sum(leaf.size for leaf in jax.tree.leaves(each)) for each in (params, grown)]
    assert sizes[0] < sizes[1]


def test_another_model_two_starts_and_a_missing_codec_are_named(small):
    _, _, path = small
    larger = template_of(model_of({}, width=12)[0])
    with pytest.raises(TrainingError, match=r"small.codec has another model .*Conv_0/bias is \(8,"):
        start.params_of(start_of(codec=path), larger)
    with pytest.raises(TrainingError, match=r"is in one of them only"):
        start.params_of(start_of(codec=path), template_of(model_of({}, blocks=2)[0]))
    with pytest.raises(TrainingError, match="leave one out"):
        start.params_of(start_of(codec=path, workdir="run"), larger)
    with pytest.raises(CodecFileError, match="no codec file"):
        start.params_of(start_of(codec="gone.codec"), larger)
