"""The search for the bundled codec: designs trained for the same time from the same start.

    taskset -c 0 python studies/codec_search/search.py --data ../shared/data --out ../runs/search \\
        --only base,context

The candidate `screens` trains on drawn screens beside the photographs, those of `--screens DIR`
(`tools/draw_screens.py DIR`).

A candidate is a change of the settings of `configs/patch.py`. Each begins with the weights of the
codec that was bundled before (what it lacks is added so that nothing changes), and trains for
`--seconds` of this process's own time on one thread; it goes on where it was stopped, by the same
command. Scores are means over pictures of BD-rate (%, estimated bits, five qualities) over `base`,
with the standard error of the mean, on held-out crops and on held-out buildings (`buildings.txt`).
"""

import argparse
import json
import pathlib
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from jaxcodec import data
from jaxcodec.configs import patch
from jaxcodec.evaluation.paired import bd_rates
from jaxcodec.training import optimisers, run_input, run_steps, sharding
from jaxcodec.training.checkpoints import restore_exported
from jaxcodec.training.forward import forward_pass
from jaxcodec.training.train_loop import train

HERE = pathlib.Path(__file__).resolve().parent
FOLDERS = ("cid22", "clic2025", "bsds500", "sunhays80")
QUALITIES = (0.1, 0.3, 0.5, 0.7, 0.9)


def _model(**changes):
    def change(config):
        for part in ("analysis", "synthesis"):
            for name in ("width", "blocks"):
                if value := changes.get(f"{part}_{name}", changes.get(name)):
                    config.model[part][name] = value
        if "context_width" in changes:
            config.model.entropy = "four_step"
            config.model.context_width = changes["context_width"]

    return change


def _settings(**changes):
    return lambda config: config.update_from_flattened_dict(
        {name.replace("__", "."): value for name, value in changes.items()}
    )


CANDIDATES: dict[str, tuple[Callable, ...]] = {
    "base": (),
    "context": (_model(context_width=96),),
    "wide": (_model(width=128),),
    "wide_context": (_model(width=128, context_width=96),),
    "deep_context": (_model(blocks=9, context_width=96),),
    "soap": (_settings(optimiser__kind="soap"),),
    "soap_95": (_settings(optimiser__kind="soap", optimiser__b1=0.95, optimiser__b2=0.95),),
    "soap_1.6e-3": (_settings(optimiser__kind="soap", optimiser__learning_rate=1.6e-3),),
    "adam": (_settings(optimiser__kind="adam"),),
    "muon_all": (_settings(optimiser__muon_widest=4096),),
    "rate_4e-4": (_settings(optimiser__learning_rate=4e-4),),
    "rate_1.6e-3": (_settings(optimiser__learning_rate=1.6e-3),),
    "two_crops": (_settings(batch_size=2),),
    "eight_crops": (_settings(batch_size=8),),
    "one_of_512": (_settings(batch_size=1, data__crop=512),),
    "noise": (_settings(surrogate="noise"),),
    "screens": (),
}


def settings(name: str, options: argparse.Namespace):
    """The config of a candidate, but for its steps."""
    config = patch.get_config()
    config.start.codec = options.start
    config.start.grow = True
    config.data.folders = ",".join(str(options.data / "train" / folder) for folder in FOLDERS)
    config.data.held_out = str(HERE / "buildings.txt")
    config.data.min_scale = 0.5
    config.optimiser.decay = 0.5
    config.average_decay = 0.99
    config.checkpoint_every = config.validate_every = 250
    for change in CANDIDATES[name]:
        change(config)
    if name == "screens":
        config.data.folders += f",{options.screens}"
    return config


def seconds_a_step(config) -> float:
    """Of this process's own time, once compiled."""
    mesh = sharding.data_mesh()
    steps = run_steps.make(config, mesh)
    state = run_steps.first_state(config, mesh, fresh=True)
    crop = config.data.crop
    batch = np.random.default_rng(0).integers(0, 255, (config.batch_size, crop, crop, 3), np.uint8)
    falling = sharding.put_replicated(optimisers.decay(config), mesh)
    times = []
    for _ in range(12):
        begin = time.process_time()
        state, metrics = steps.train(state, sharding.put_batch(batch, mesh), falling)
        jax.block_until_ready(metrics)
        times.append(time.process_time() - begin)
    return float(np.median(times[4:]))


def pictures(options: argparse.Namespace, config) -> dict[str, np.ndarray]:
    """The two validation sets, uint8 (N, H, W, 3)."""
    photographs = run_input.open_input(config, pathlib.Path("none")).held_out
    folder = data.open_folder(options.data / "train" / "sunhays80", decode_all=False)
    lines = (HERE / "buildings.txt").read_text().splitlines()
    buildings = []
    for name in (line for line in lines if line[0] != "#"):
        pixels = folder.read(str(options.data / "train" / "sunhays80" / name))
        height, width, _ = pixels.shape
        small = np.asarray(Image.fromarray(pixels).resize((width // 2, height // 2), Image.BOX))
        buildings.append(data.pipeline.cut(small, 0, 0, 384))
    return {"photographs": photographs, "buildings": np.stack(buildings)}


def scored(config, params, crops: np.ndarray) -> np.ndarray:
    """Bpp and PSNR (dB) of each crop at each quality: (N, Q, 2)."""
    model = run_steps.build_model(config)

    @jax.jit
    def measure(picture, quality):
        picture = picture.astype(jnp.float32)[None] / 255
        forward = forward_pass(model, params, picture, quality[None], jax.random.key(0), "round")
        pixels = jnp.round(255 * jnp.clip(forward.reconstruction, 0, 1))
        error = jnp.mean((pixels - 255 * picture) ** 2)
        return forward.bits[0] / picture[0, ..., 0].size, 10 * jnp.log10(255**2 / error)

    return np.array([[measure(crop, jnp.float32(q)) for q in QUALITIES] for crop in crops])


def run(name: str, options: argparse.Namespace) -> None:
    """Trains and scores a candidate, where that is not done."""
    workdir = options.out / name
    if (workdir / "scores.json").exists():
        return
    config = settings(name, options)
    timing = workdir / "timing.json"
    if not timing.exists():
        workdir.mkdir(parents=True, exist_ok=True)
        timing.write_text(json.dumps({"seconds_a_step": seconds_a_step(config)}))
    pace = json.loads(timing.read_text())["seconds_a_step"]
    config.steps = max(1, int(options.seconds / pace))
    if not train(config, workdir):
        raise SystemExit(f"{name} was stopped; the same command goes on")
    params = jax.device_put(restore_exported(workdir, averaged=True)[1])
    scores = {
        part: scored(config, params, crops).tolist()
        for part, crops in pictures(options, settings("base", options)).items()
    }
    (workdir / "scores.json").write_text(
        json.dumps({"steps": config.steps, "seconds_a_step": pace, "scores": scores})
    )


def gains(candidate: list, base: list) -> tuple[float, float]:
    """Mean over pictures of the BD-rate of one over the other (%), and its standard error."""
    by_name = [
        {str(place): crop for place, crop in enumerate(crops)} for crops in (candidate, base)
    ]
    found = list(bd_rates(*by_name).values())
    return float(np.mean(found)), float(np.std(found, ddof=1) / np.sqrt(len(found)))


def report(options: argparse.Namespace) -> None:
    """A line for each candidate that is done."""
    done = {
        path.parent.name: json.loads(path.read_text())
        for path in sorted(options.out.glob("*/scores.json"))
    }
    base = done.get("base")
    if not base:
        return
    print("| candidate | s a step | steps | photographs | buildings |\n|---|---|---|---|---|")
    for name, found in done.items():
        parts = [
            "{:+.2f} ± {:.2f}".format(*gains(found["scores"][part], base["scores"][part]))
            for part in ("photographs", "buildings")
        ]
        print(
            f"| {name} | {found['seconds_a_step']:.3f} | {found['steps']} | "
            f"{parts[0]} | {parts[1]} |"
        )


def main() -> None:
    """Runs the candidates that are asked for, and reports."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--start", default="default")
    parser.add_argument("--seconds", type=float, default=1500)
    parser.add_argument("--only", default="")
    parser.add_argument("--screens", type=pathlib.Path, metavar="DIR")
    options = parser.parse_args()
    if "screens" in options.only.split(",") and options.screens is None:
        parser.error("the candidate screens needs --screens DIR")
    for name in options.only.split(",") if options.only else ():
        run(name, options)
    report(options)


if __name__ == "__main__":
    main()
