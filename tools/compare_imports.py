"""Imported models beside CompressAI's: every layer, what follows from them, and the whole way from
picture to picture.

    benchmarks/setup_peers.sh DIR python tools/compare_imports.py --peer-python DIR/bin/python
    --image PICTURE.png [--sizes 128 192]

Random weights that leave no parameter without effect; the picture is cut to multiples of 64, at
most 256. Every network is given CompressAI's own rounded latents, so that differences are those of
float32 arithmetic and not of a latent that rounds to another integer; how many do is told apart. A
difference is relative to the largest value that it is among.

With a context model CompressAI reconstructs from the latent rounded to integers, and rates it as if
it were rounded about its mean: likelihoods are compared for that, while "bits" has what ours would
code and what CompressAI tells.

    python tools/compare_imports.py ... --image SMALL.png --sizes 4 6 --record
    tests/importing/recorded

makes the checkpoints and values that the tests compare with.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile
from typing import Any

import jax
import numpy as np
from PIL import Image

from jaxcodec import models
from jaxcodec.entropy.distributions.gaussian import gaussian_likelihood
from jaxcodec.importing.compressai import ARCHITECTURES, ImportedModel, import_checkpoint

HERE = pathlib.Path(__file__).resolve().parent
PICTURE = "picture.png"
RECORDED_ROWS, RECORDED_COLUMNS = 5, 3  # odd, so that all phases of upsampling layers are met
_QUALITY = np.zeros(1, np.float32)  # imported models have one quality

Arrays = dict[str, np.ndarray]


def trace(imported: ImportedModel, made: Arrays) -> tuple[Arrays, Arrays]:
    """What every layer of ours gives, by its path, and what follows from them, by CompressAI's
    names.
    """
    model, hyper = models.build(imported.description), "z" in made
    median = imported.params["params"]["prior"]["median"]
    hyper_symbols = np.round(made["z_hat" if hyper else "y_hat"] - median).astype(np.int32)

    def forward(model):
        y = model.to_latent(made["image"], _QUALITY)
        results = {"y": y, "x_hat": model.synthesise(made["y_hat"], _QUALITY)}
        results["likelihood_z" if hyper else "likelihood_y"] = model.prior_likelihood(hyper_symbols)
        if hyper:
            results |= {"z": model.to_hyper_latent(made["y"], _QUALITY)}
            mean, scale = _moments(model, hyper_symbols, made["y_hat"])
            # CompressAI rates a latent rounded about its mean, with a context model too.
            coded = np.round(made["y"] - made.get("means", 0))
            results |= {
                "means": mean,
                "scales": scale,
                "likelihood_y": gaussian_likelihood(coded, scale),
            }
        return results

    @jax.jit
    def run(params):
        return model.apply(
            params, method=forward, capture_intermediates=True, mutable=["intermediates"]
        )

    results, captured = run(imported.params)
    layers = {path: _value(captured["intermediates"], path) for _, path, _ in imported.layers}
    return jax.device_get(layers), {
        name: np.asarray(results[name]) for name in results if name in made
    }


def _moments(
    model: Any, hyper_symbols: np.ndarray, latent_hat: np.ndarray
) -> tuple[jax.Array, jax.Array]:
    if hasattr(model, "parameters_parallel"):
        return model.parameters_parallel(hyper_symbols, latent_hat, _QUALITY)
    mean = model.mean(hyper_symbols, _QUALITY) if model.centred else np.zeros(())
    return mean, model.scale(hyper_symbols, _QUALITY)


def _value(tree: dict, path: str) -> np.ndarray:
    for name in path.split("/"):
        tree = tree[name]
    return tree["__call__"][0]


def in_our_order(values: np.ndarray, form: str) -> np.ndarray:
    """CompressAI's output of a layer, its channels in the order that our layer of that form gives
    them.
    """
    if form == "subpixel":
        return (
            values.reshape(*values.shape[:-1], -1, 2, 2)
            .transpose(0, 1, 2, 4, 5, 3)
            .reshape(values.shape)
        )
    return np.roll(values, values.shape[-1] // 2, axis=-1) if form == "scales_means" else values


def relative(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference, over the largest value."""
    assert ours.shape == theirs.shape
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def end_to_end(imported: ImportedModel, made: Arrays) -> str:
    """Our own latents all the way: symbols that differ, and pixels."""
    model = models.build(imported.description)
    latent = jax.jit(
        lambda params: model.apply(params, made["image"], _QUALITY, method="to_latent")
    )(imported.params)
    output = jax.jit(
        lambda params: model.apply(params, made["image"], _QUALITY, jax.random.key(0), "round")
    )(imported.params)
    offset = made["y_hat"] - np.round(made["y_hat"])
    flips = int(np.sum(np.round(latent - offset) != np.round(made["y"] - offset)))
    rate = -sum(
        np.log2(values.astype(np.float64)).sum()
        for name, values in made.items()
        if "likelihood" in name
    )
    pixels = np.abs(np.asarray(output.image) - made["x_hat"]).max()
    return (
        f"{flips} of {made['y'].size} symbols differ, pixels by {pixels:.1e} at most, "
        f"bits {float(output.bits[0]):.1f} and {rate:.1f}"
    )


def record(folder: pathlib.Path, target: pathlib.Path) -> None:
    """Keeps the checkpoints, the picture, and a little of what CompressAI's models make of it."""
    target.mkdir(exist_ok=True)
    shutil.copy(folder / PICTURE, target)
    for architecture in ARCHITECTURES:
        shutil.copy(folder / f"{architecture}.pth.tar", target)
        made = np.load(folder / f"{architecture}.npz")
        kept = {
            name: made[name] for name in made if name != "image" and not name.startswith("layer/")
        }
        kept["x_hat"] = kept["x_hat"][:, ::RECORDED_ROWS, ::RECORDED_COLUMNS]
        np.savez_compressed(target / f"{architecture}.npz", **kept)


def compare(folder: pathlib.Path, architecture: str) -> None:
    """Prints the differences of one architecture."""
    imported = import_checkpoint(folder / f"{architecture}.pth.tar")
    assert imported.architecture == architecture
    made = dict(np.load(folder / f"{architecture}.npz"))
    layers, results = trace(imported, made)
    assert len(layers) == sum(name.startswith("layer/") for name in made)
    differences = {
        source: relative(layers[path], in_our_order(made[f"layer/{source}"], form))
        for source, path, form in imported.layers
    }
    worst = max(differences, key=differences.get)
    print(f"{architecture}: {len(layers)} layers, at most {differences[worst]:.1e} ({worst})")
    print(
        "  "
        + ", ".join(
            f"{name} {relative(values, made[name]):.1e}" for name, values in sorted(results.items())
        )
    )
    print(f"  whole way: {end_to_end(imported, made)}")


def write_peer_side(
    python: str, folder: pathlib.Path, image: pathlib.Path, sizes: list[int], half: bool
) -> None:
    """Has CompressAI write its checkpoints, with float16 weights if `half`, and what its models
    make, to `folder`.
    """
    pixels = np.asarray(Image.open(image).convert("RGB"))
    height, width = (min(256, side // 64 * 64) for side in pixels.shape[:2])
    Image.fromarray(pixels[:height, :width]).save(folder / PICTURE)
    command = [python, HERE / "imports_compressai.py", folder, folder / PICTURE, *map(str, sizes)]
    subprocess.run([*command, "--half"] if half else command, check=True)


def main() -> None:
    """Prints the differences of all architectures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--peer-python", required=True, help="the interpreter that setup_peers.sh made"
    )
    parser.add_argument(
        "--image", required=True, type=pathlib.Path, help="a picture of 64 x 64 pixels or more"
    )
    parser.add_argument("--sizes", type=int, nargs=2, default=[128, 192], metavar=("N", "M"))
    parser.add_argument(
        "--record", type=pathlib.Path, metavar="FOLDER", help="keep values for the tests"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        write_peer_side(
            options.peer_python, folder, options.image, options.sizes, bool(options.record)
        )
        for architecture in ARCHITECTURES:
            compare(folder, architecture)
            sys.stdout.flush()
        if options.record:
            record(folder, options.record)


if __name__ == "__main__":
    main()
