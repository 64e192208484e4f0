"""Code from outside the package: by which names it is kept, and that none of it is imported
unasked.
"""

import importlib.metadata
import sys

import flax.linen as nn
import jax
import ml_collections
import numpy as np
import pytest
import small_codecs

import jaxcodec
from jaxcodec import configs, extensions, models
from jaxcodec.artefact import codec_file
from jaxcodec.entropy import geometry, surrogates
from jaxcodec.entropy.lowering import hyper_synthesis_operations
from jaxcodec.entropy.mean_scale import MeanScaleModel
from jaxcodec.errors import CodecFileError, ExtensionError, TrainingError
from jaxcodec.training import config as run_config
from jaxcodec.training import optimisers
from jaxcodec.transforms import operations
from jaxcodec.transforms.balle import ConvAnalysis
from jaxcodec.transforms.layers import Conv

MODULE = """
import os
import pathlib
import flax.linen as nn
from jaxcodec.training import config as run_config
from jaxcodec.training import optimisers
from jaxcodec.transforms.balle import ConvAnalysis

pathlib.Path(__file__).with_name("imported").touch()

class Analysis(ConvAnalysis):
    class Inner(ConvAnalysis):
        pass

class NoHalo(nn.Module):
    stride = 16

class NotANetwork:
    pass

def function(*arguments):
    pass

def surrogate(latent, mean, key):
    return 2 * latent, latent - mean

def optimiser(settings, rate):
    import optax
    return optax.sgd(settings.rho * rate(0))
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder on the path with the package `outside` and its module `outside.nets`; nothing is
    allowed yet.
    """
    package = tmp_path / "outside"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "nets.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(extensions, "allowed", set())
    monkeypatch.delenv(extensions.VARIABLE, raising=False)
    yield package
    for name in ("outside", "outside.nets"):
        sys.modules.pop(name, None)


def described(kind):
    """The description of a small model with another kind of analysis."""
    description = dict(small_codecs.DESCRIPTIONS["one_quality"])
    return description | {"analysis": description["analysis"] | {"kind": kind}}


def was_imported(folder):
    return (folder / "imported").exists()


# ---------------------------------------------------------------- what may be imported


def test_nothing_is_imported_that_was_not_allowed(folder):
    with pytest.raises(
        ExtensionError,
        match="outside.nets:Analysis .* --allow-import outside.nets.*JAXCODEC_PLUGINS=outs",
    ):
        models.build(described("outside.nets:Analysis"))
    assert not was_imported(folder)


@pytest.mark.parametrize("allowed", ["outside.nets", "outside"])
def test_a_module_that_was_allowed_is_imported_and_those_below_it(folder, allowed):
    jaxcodec.allow_imports(allowed)
    model = models.build(described("outside.nets:Analysis"))
    assert type(model.analysis).__name__ == "Analysis"
    assert models.stride(described("outside.nets:Analysis.Inner")) == 32


@pytest.mark.parametrize("allowed", ["outside.net", "outs", "outside.nets.more", "", "nets"])
def test_a_name_that_only_looks_alike_allows_nothing(folder, allowed):
    jaxcodec.allow_imports(allowed)
    with pytest.raises(ExtensionError, match="you allow it"):
        models.build(described("outside.nets:Analysis"))
    assert not was_imported(folder)


def test_what_is_imported_already_is_not_allowed_by_that(folder):
    """A codec file could name anything of the standard library otherwise."""
    for path in ("os:system", "subprocess:Popen", "flax.linen:Dense", "builtins:eval"):
        with pytest.raises(ExtensionError, match="you allow it"):
            models.build(described(path))


def test_the_environment_allows_modules(folder, monkeypatch):
    monkeypatch.setenv(extensions.VARIABLE, "other, outside")
    models.build(described("outside.nets:Analysis"))


def test_an_installed_package_may_declare_its_modules(folder, monkeypatch):
    entries = {
        extensions.GROUP: [importlib.metadata.EntryPoint("own", "outside.nets", extensions.GROUP)]
    }
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: entries.get(group, ()))
    models.build(described("outside.nets:Analysis"))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("outside.nets:os.system", "is not a subclass of flax"),
        ("outside.nets:NotANetwork", "is not a subclass of flax"),
        ("outside.nets:function", "is not a subclass of flax"),
        ("outside.nets:Absent", "has no Absent"),
        ("outside.absent:Analysis", "cannot be imported .*PYTHONPATH"),
        ("outside.nets:NoHalo", "has no `halo`"),
        ("outside.nets:", "is not an import path"),
        (":Analysis", "is not an import path"),
        ("outside/nets.py:Analysis", "is not an import path"),
    ],
)
def test_a_path_to_something_else_is_told(folder, path, message):
    jaxcodec.allow_imports("outside")
    description = described(path)
    if "NoHalo" in path:
        description["analysis"] = {"kind": path}
    with pytest.raises(ExtensionError, match=message):
        models.build(description)


def test_a_codec_file_of_a_stranger_imports_nothing(folder, tmp_path):
    content = small_codecs.content("one_quality")
    model = content.model.replace('"conv_analysis"', '"outside.nets:Analysis"', 1)
    assert model != content.model
    path = tmp_path / "stranger.codec"
    codec_file.save(path, type(content)(**{**vars(content), "model": model}))
    with pytest.raises(
        ExtensionError, match=r"stranger\.codec: outside\.nets:Analysis is code from outside"
    ):
        jaxcodec.load(path)
    assert not was_imported(folder)
    assert jaxcodec.load(path, allow="outside").geometry.stride == 32


# ---------------------------------------------------------------- what is kept


def test_classes_become_import_paths_wherever_they_stand():
    config = ml_collections.ConfigDict(
        {"a": {"kind": ConvAnalysis}, "b": [ConvAnalysis, 3], "c": (1.5, "x", None)}
    )
    name = "jaxcodec.transforms.balle:ConvAnalysis"
    assert extensions.named(config) == {"a": {"kind": name}, "b": [name, 3], "c": (1.5, "x", None)}


def test_what_no_other_process_could_import_is_refused():
    class Local(nn.Module):
        pass

    main = type("Analysis", (nn.Module,), {"__module__": "__main__", "__qualname__": "Analysis"})
    hidden = type(
        "ConvAnalysis",
        (nn.Module,),
        {"__module__": ConvAnalysis.__module__, "__qualname__": "ConvAnalysis"},
    )
    for thing in (Local, main, hidden, lambda: None):
        with pytest.raises(ExtensionError, match="no later process would find it"):
            extensions.path_of(thing)


def test_a_class_itself_needs_no_permission():
    assert isinstance(models.build(described(ConvAnalysis)).analysis, ConvAnalysis)


# ---------------------------------------------------------------- integer networks of one's own


class Lowered(nn.Module):
    """A hyper-synthesis of one layer that tells its form in operations."""

    outputs: int = 12
    halo = 1

    @nn.compact
    def __call__(self, z, quality):
        return Conv(self.outputs, 3)(z)

    def lower(self, params):
        """As it is."""
        return [operations.conv(params["Conv_0"])]


class Negated(Lowered):
    """One whose operations are not what it computes."""

    def lower(self, params):
        """With the wrong sign."""
        return [operations.Conv(-params["Conv_0"]["kernel"], params["Conv_0"]["bias"])]


class Silent(nn.Module):
    """One without an integer form."""

    halo = 1


class EndsInActivation(Lowered):
    """One that does not end in a convolution."""

    def lower(self, params):
        """A convolution and a ReLU."""
        return [*super().lower(params), operations.Activate("relu")]


@pytest.fixture(scope="module")
def params():
    network = Lowered()
    variables = network.init(jax.random.key(0), np.zeros((1, 4, 4, 4)), None)["params"]
    return {"params": {"hyper_synthesis": variables, "prior": {}}}


def with_hyper_synthesis(kind):
    return models.build(
        small_codecs.DESCRIPTIONS["one_quality"] | {"hyper_synthesis": {"kind": kind}}
    )


def test_a_network_tells_its_operations(params):
    (op,) = hyper_synthesis_operations(with_hyper_synthesis(Lowered), params)
    assert (op.kernel == params["params"]["hyper_synthesis"]["Conv_0"]["kernel"]).all()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Negated, "does not compute what the network does"),
        (Silent, "no integer form: it has no method `lower`"),
        (EndsInActivation, "must begin and end with a Conv"),
    ],
)
def test_operations_that_are_not_the_networks_are_refused(params, kind, message):
    with pytest.raises(CodecFileError, match=message):
        hyper_synthesis_operations(with_hyper_synthesis(kind), params)


# ---------------------------------------------------------------- entropy models and objectives


def test_a_surrogate_of_ones_own_is_what_rate_and_synthesis_see(folder):
    jaxcodec.allow_imports("outside")
    quantise = surrogates.quantiser("outside.nets:surrogate", jax.random.key(0))
    latent = jax.numpy.array([1.5])
    assert [float(value[0]) for value in quantise("latent", latent, 1.0)] == [3.0, 0.5]
    with pytest.raises(ExtensionError, match="absent"):
        surrogates.surrogate("outside.nets:absent", latent, 0.0, jax.random.key(0))


def test_an_optimiser_of_ones_own_has_settings_of_its_own(folder):
    jaxcodec.allow_imports("outside")
    config = configs.load("factorized_small")
    config.data.folders = "photographs"
    config.optimiser.update({"kind": "outside.nets:optimiser", "warmup": 1, "learning_rate": 0.5})
    config.optimiser.rho = 3.0
    run_config.check(config)
    transform = optimisers.create(config)
    gradients = {"a": np.float32(0.1)}
    updates, _ = transform.update(gradients, transform.init(gradients), gradients)
    assert float(updates["a"]) == pytest.approx(-0.1 * 3 * 0.5)
    config.optimiser.kind = "adam"
    with pytest.raises(TrainingError, match="config.optimiser.rho is unknown"):
        run_config.check(config)


def test_a_config_is_trusted_with_what_it_names_and_keeps_paths(folder):
    config = configs.load("factorized_small")
    config.model = described("outside.nets:Analysis") | {"hyper_analysis": {"kind": ConvAnalysis}}
    kept = run_config.with_paths(config)
    assert kept.model.hyper_analysis.kind == "jaxcodec.transforms.balle:ConvAnalysis"
    assert extensions.allowed == {"outside.nets", "jaxcodec.transforms.balle"}
    assert config.model.hyper_analysis.kind is ConvAnalysis


def test_an_entropy_model_of_ones_own_is_a_subclass_that_knows_how_it_is_coded():
    class Own(MeanScaleModel):
        pass

    description = small_codecs.DESCRIPTIONS["tiny"]
    with pytest.raises(ExtensionError, match="not a subclass of jaxcodec.entropy.model.Entropy"):
        models.build(description | {"entropy": Lowered})
    own = models.build(description | {"entropy": Own})
    assert own.scale_form == description["scale_form"]
    assert (
        own.order({"ops": [{}]}, geometry.of(own)).tables
        == models.build(description).order({"ops": [{}]}, geometry.of(own)).tables
    )


@pytest.mark.parametrize(
    ("fields", "targets", "message"),
    [
        ({"kind": "outside.nets:function"}, (), "has no `phases`"),
        (
            {"kind": "outside.nets:NotANetwork", "weight": 1.0},
            (),
            "cannot be made: .*weight|cannot be made",
        ),
        ({"kind": "outside.nets:NotANetwork"}, (0.5,), "targets_bpp is not empty"),
    ],
)
def test_an_objective_that_cannot_work_is_told(folder, fields, targets, message):
    jaxcodec.allow_imports("outside")
    target_rate = {"targets_bpp": targets}
    with pytest.raises(TrainingError, match=message):
        jaxcodec.objectives.create(fields, target_rate)
