import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small_codecs

from jaxcodec import models
from jaxcodec.entropy.lowering import hyper_synthesis_operations
from jaxcodec.errors import CodecFileError
from jaxcodec.models import presets
from jaxcodec.transforms import operations

RELU = presets.mean_scale_model(8, 12, hyper_activation="relu", wide=False)
UNCENTRED = presets.mean_scale_model(8, 12) | {"prior": {"centred": False}}
CHENG = presets.cheng2020_model(8, attention=False)
DESCRIPTIONS = {**small_codecs.DESCRIPTIONS, "relu": RELU, "uncentred": UNCENTRED, "cheng": CHENG}


def random_params(description):
    """The parameters of the hyper-synthesis and the prior, none of them zero, and what the module
    makes of symbols.
    """
    model = models.build(description)
    hyper = np.random.default_rng(0).integers(
        -9, 10, (2, 3, 4, description["hyper_channels"]), np.int32
    )
    quality = jnp.array([0.0, 0.7])

    def synthesise(module, hyper):
        return module.hyper_synthesis(module.prior.from_symbols(hyper), quality)

    def prior_too(module, hyper):
        return synthesise(module, hyper), module.prior_likelihood(hyper)

    key = jax.random.key(0, impl="unsafe_rbg")
    shapes = jax.eval_shape(lambda: model.init(key, hyper, method=prior_too))
    rng = np.random.default_rng(1)
    params = jax.tree.map(lambda leaf: rng.normal(0, 0.3, leaf.shape).astype(np.float32), shapes)
    return (
        params,
        hyper,
        quality,
        jax.jit(lambda p: model.apply(p, hyper, method=synthesise))(params),
    )


def lowered(description, params):
    return hyper_synthesis_operations(models.build(description), params)


@pytest.mark.parametrize("name", ["tiny", "patch", "relu", "uncentred", "cheng"])
def test_the_list_of_operations_gives_what_the_module_gives(name):
    params, hyper, quality, expected = random_params(DESCRIPTIONS[name])
    ops = lowered(DESCRIPTIONS[name], params)
    got = jax.jit(lambda x: operations.run(ops, x, quality))(hyper.astype(np.float32))
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_every_operation_shows_its_input():
    params, hyper, quality, _ = random_params(DESCRIPTIONS["patch"])
    ops = lowered(DESCRIPTIONS["patch"], params)
    seen = {}

    def see(path, x):
        seen[path] = x.shape
        return x

    operations.run(ops, hyper.astype(np.float32), quality, see, ("here",))
    assert seen["here", 0] == hyper.shape
    assert seen["here", 2, 3] == (2, 6, 8, 16)
    assert len(seen) == 8 + 3 * 6


def test_last_outputs_are_those_of_the_whole_network():
    params, hyper, quality, expected = random_params(DESCRIPTIONS["tiny"])
    ops = operations.last_outputs(lowered(DESCRIPTIONS["tiny"], params), slice(6, None))
    got = operations.run(ops, jnp.asarray(hyper, jnp.float32), quality)
    np.testing.assert_allclose(got, expected[..., 6:], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"kind": "patch_synthesis", "width": 4, "blocks": 1}, "PatchSynthesis"),
        (RELU["hyper_synthesis"] | {"activation": "igdn"}, "igdn"),
    ],
)
def test_a_network_without_an_integer_form_is_refused(settings, word):
    description = RELU | {"hyper_synthesis": settings}
    params, *_ = random_params(RELU)
    with pytest.raises(CodecFileError, match=word):
        lowered(description, params)
