"""Imported models give what CompressAI 1.2.8 gave: `recorded` is what tools/compare_imports.py
kept of it.
"""

import functools
import pathlib

import jax
import numpy as np
import pytest
from PIL import Image

from jaxcodec import models
from jaxcodec.entropy.distributions.gaussian import gaussian_likelihood
from jaxcodec.errors import CheckpointError
from jaxcodec.importing import compressai
from jaxcodec.importing.compressai import ARCHITECTURES, import_checkpoint
from jaxcodec.pytorch.state_dict import read_state_dict

RECORDED = pathlib.Path(__file__).parent / "recorded"
QUALITY = np.zeros(1, np.float32)


@functools.cache
def imported(architecture: str) -> compressai.ImportedModel:
    return import_checkpoint(RECORDED / f"{architecture}.pth.tar")


@functools.cache
def recorded(architecture: str) -> dict[str, np.ndarray]:
    return dict(np.load(RECORDED / f"{architecture}.npz"))


def picture() -> np.ndarray:
    with Image.open(RECORDED / "picture.png") as image:
        return np.asarray(image, np.float32)[None] / 255


def assert_same(ours, theirs) -> None:
    """Equal to the rounding of float32, relative to the largest value."""
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=5e-6 * np.abs(theirs).max())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_stage_gives_what_compressai_gives(architecture):
    """Each stage from CompressAI's own rounded latents."""
    made, image = recorded(architecture), picture()
    model, params = models.build(imported(architecture).description), imported(architecture).params
    coded, median = ("z_hat" if "z" in made else "y_hat"), params["params"]["prior"]["median"]
    symbols = np.round(made[coded] - median).astype(np.int32)

    def stages(model):
        found = {
            "y": model.to_latent(image, QUALITY),
            "x_hat": model.synthesise(made["y_hat"], QUALITY),
        }
        found[f"likelihood_{coded[0]}"] = model.prior_likelihood(symbols)
        found[coded] = model.prior.from_symbols(symbols)
        if "z" in made:
            found["z"] = model.to_hyper_latent(made["y"], QUALITY)
        if hasattr(model, "parameters_parallel"):
            found["means"], found["scales"] = model.parameters_parallel(
                symbols, made["y_hat"], QUALITY
            )
        elif "z" in made:
            found["scales"] = model.scale(symbols, QUALITY)
            found |= {"means": model.centre(symbols, QUALITY)[0]} if "means" in made else {}
        if "z" in made:
            residual = np.round(made["y"] - made.get("means", 0))
            found["likelihood_y"] = gaussian_likelihood(residual, found["scales"])
        return found

    found = jax.jit(lambda params: model.apply(params, method=stages))(params)
    found["x_hat"] = found["x_hat"][:, ::5, ::3]
    assert set(found) | {"y_hat"} == set(made)
    for name, values in found.items():
        assert_same(values, made[name])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_whole_way_gives_what_compressai_gives(architecture):
    made, image = recorded(architecture), picture()
    model, params = models.build(imported(architecture).description), imported(architecture).params
    output = jax.jit(
        lambda params: model.apply(params, image, QUALITY, jax.random.key(0), "round")
    )(params)
    assert_same(output.image[:, ::5, ::3], made["x_hat"])
    if not hasattr(
        model, "parameters_parallel"
    ):  # with a context CompressAI rates another rounding than it decodes
        bits = sum(
            -np.log2(values.astype(np.float64)).sum()
            for name, values in made.items()
            if "likelihood" in name
        )
        assert float(output.bits[0]) == pytest.approx(bits, rel=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_architecture_and_its_sizes_are_recognised(architecture):
    model = imported(architecture)
    assert model.architecture == architecture
    assert model.description["gains"]["channels"] == (4 if "cheng" in architecture else 6)
    assert model.description["prior"] == {"widths": [3, 3, 3, 3], "centred": False}


@pytest.fixture
def import_tensors(monkeypatch):
    """Imports tensors as if a checkpoint held them."""

    def from_tensors(tensors):
        monkeypatch.setattr(compressai, "read_state_dict", lambda path: tensors)
        return import_checkpoint("weights.pth")

    return from_tensors


@functools.cache
def tensors(architecture: str) -> dict[str, np.ndarray]:
    return read_state_dict(RECORDED / f"{architecture}.pth.tar")


@pytest.mark.parametrize("style", ["_matrix0", "_matrices.0"])
def test_names_of_earlier_versions(import_tensors, style):
    def earlier(name):
        name = name.replace(".skip.", ".downsample.")
        prefix, dot, rest = name.partition("entropy_bottleneck.")
        kind, _, number = rest.partition(".")
        if kind not in ("matrices", "biases", "factors"):
            return name
        singular = {"matrices": "matrix", "biases": "bias", "factors": "factor"}[kind]
        return (
            f"{prefix}{dot}_{singular}{number}"
            if style == "_matrix0"
            else f"{prefix}{dot}_{kind}.{number}"
        )

    renamed = {earlier(name): tensor for name, tensor in tensors("cheng2020-anchor").items()}
    assert len(renamed.keys() & tensors("cheng2020-anchor").keys()) < len(renamed)
    jax.tree.map(
        np.testing.assert_array_equal,
        import_tensors(renamed).params,
        imported("cheng2020-anchor").params,
    )


def test_what_the_mask_hides_does_not_matter(import_tensors):
    name = "context_prediction.weight"
    changed = dict(tensors("mbt2018"))
    changed[name] = changed[name].copy()
    changed[name][:, :, 2, 2:] = changed[name][:, :, 3:] = np.nan
    jax.tree.map(
        np.testing.assert_array_equal, import_tensors(changed).params, imported("mbt2018").params
    )


@pytest.mark.parametrize(
    "gone",
    ["g_a.1.gamma", "h_s.2.bias", "entropy_bottleneck.factors.3", "entropy_bottleneck.quantiles"],
)
def test_a_missing_tensor_is_named(import_tensors, gone):
    left = {name: tensor for name, tensor in tensors("mbt2018-mean").items() if name != gone}
    with pytest.raises(
        CheckpointError,
        match=f"weights.pth cannot be imported: it lacks the tensor {gone}; .*mbt2018",
    ):
        import_tensors(left)


@pytest.mark.parametrize("name", ["Gain", "g_a.7.weight", "entropy_bottleneck.matrices.x"])
def test_a_tensor_too_many_is_named(import_tensors, name):
    with pytest.raises(CheckpointError, match=f"its tensor {name!r} is of no known use"):
        import_tensors(tensors("mbt2018-mean") | {name: np.ones(3, np.float32)})


def test_other_models_are_refused(import_tensors):
    with pytest.raises(CheckpointError, match="do not have the names of a known model"):
        import_tensors({"encoder.weight": np.ones((2, 2), np.float32)})


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("g_a.2.weight", (4, 5, 5, 5)),
        ("g_a.2.weight", (4, 4, 5)),
        ("g_a.2.bias", (5,)),
        ("h_s.4.weight", ()),
        ("g_s.0.weight", (4, 6, 5, 5)),
        ("g_a.1.gamma", (4,)),
        ("entropy_bottleneck.quantiles", (4, 3)),
        ("entropy_bottleneck.matrices.2", (4, 2, 3)),
        ("entropy_bottleneck.biases.0", ()),
        ("g_a.0.weight", ()),
        ("entropy_bottleneck.matrices.1", (4,)),
        ("g_a.6.weight", (0, 4, 5, 5)),
        ("entropy_bottleneck.matrices.0", (4, 0, 1)),
        ("g_a.2.weight", (0, 4, 5, 5)),
    ],
)
def test_a_tensor_of_another_shape_is_refused(import_tensors, name, shape):
    with pytest.raises(CheckpointError, match="weights.pth cannot be imported"):
        import_tensors(tensors("mbt2018-mean") | {name: np.ones(shape, np.float32)})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gaussian_conditional.scale_bound", 0.2),
        ("g_a.1.beta_reparam.pedestal", 1e-3),
        ("g_a.1.beta_reparam.lower_bound.bound", 0.1),
        ("g_s.5.gamma_reparam.lower_bound.bound", 0.1),
        ("entropy_bottleneck.likelihood_lower_bound.bound", 1e-3),
    ],
)
def test_other_constants_than_ours_are_refused(import_tensors, name, value):
    assert name in tensors("mbt2018-mean")
    with pytest.raises(CheckpointError, match=rf"its constant {name} is .* and not "):
        import_tensors(tensors("mbt2018-mean") | {name: np.float32([value])})
