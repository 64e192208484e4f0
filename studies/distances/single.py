"""Figure 20 of Hepburn et al. 2022: training with one picture at a time.

    python studies/distances/single.py --out DIR --data DIR[,DIR...] --test DIR [--hard]

Networks of `configs/bounded_small.py`, batches of one crop, a small learning rate that stays as it
is; five seeds, and in each the same start and the same order of crops for the squared error and for
NLPD (2017). MSE(x^ of NLPD) / MSE(x^ of MSE) on test pictures over training, mean and standard
deviation over seeds: DIR/single.md and DIR/single.png, of --hard (see bounded.py) single_hard. The
same command goes on.
"""

import argparse
import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import runs

from jaxcodec.configs import bounded_small
from jaxcodec.evaluation.paired import t_interval
from jaxcodec.runtime import compile_cache
from jaxcodec.training import run_steps
from jaxcodec.training.checkpoints import restore_exported
from jaxcodec.training.forward import forward_pass
from jaxcodec.training.train_loop import train

LOSSES = ("mse", "nlpd_2017")


def settings(loss: str, seed: int, steps: int, options: argparse.Namespace):
    """The config of a run up to a step."""
    config = bounded_small.get_config(f"{options.levels},{loss}")
    config.seed, config.steps, config.batch_size = seed, steps, 1
    config.data.folders, config.model.hard = options.data, options.hard
    config.optimiser.learning_rate = options.learning_rate
    config.optimiser.decay = 1e-9  # at least one step, the last
    config.validate_every = config.checkpoint_every = options.every
    return config


def errors(config, workdir: pathlib.Path, photos) -> list[float]:
    """The squared error of each picture, grey levels."""
    model, params = run_steps.build_model(config), restore_exported(workdir, averaged=False)[1]

    @jax.jit
    def error(params, pixels):
        picture = pixels.astype(jnp.float32)[None] / 255
        forward = forward_pass(model, params, picture, jnp.zeros(1), jax.random.key(0), "round")
        decoded = jnp.round(255 * jnp.clip(forward.reconstruction, 0, 1))
        return jnp.mean((decoded - 255 * picture) ** 2)

    return [float(error(params, photo.pixels)) for photo in photos]


def curve(loss: str, seed: int, photos, options: argparse.Namespace) -> np.ndarray:
    """Errors (times, pictures) of a run, which is trained as far as it is not."""
    name = "_".join([loss, str(seed), *["hard"] * options.hard])
    workdir, path = options.out / name, options.out / f"{name}.json"
    done = json.loads(path.read_text()) if path.exists() else []
    for step in range(options.every * (len(done) + 1), options.steps + 1, options.every):
        config = settings(loss, seed, step, options)
        if not train(config, workdir):
            raise SystemExit(f"{workdir} was stopped; the same command goes on")
        done.append(errors(config, workdir, photos))
        runs.keep(path, done)
    return np.array(done)


def main() -> None:
    """Trains what is missing, and reports."""
    parser = runs.parser(__doc__)
    parser.add_argument("--take", type=int, help="so many of them")
    parser.add_argument("--levels", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--every", type=int, default=250)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--hard", action="store_true", help="the nearest centre in training, too")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    compile_cache.enable()
    photos, ratios = runs.photos(options.test, options.take), []
    for seed in range(1, options.seeds + 1):
        own = {loss: curve(loss, seed, photos, options).mean(axis=1) for loss in LOSSES}
        print(f"seed {seed}", own, flush=True)
        ratios.append(own[LOSSES[1]] / own[LOSSES[0]])
    mean, spread = np.mean(ratios, axis=0), np.std(ratios, axis=0, ddof=1)
    steps = options.every * np.arange(1, len(mean) + 1)
    lines = ["| step | MSE(NLPD) / MSE(MSE), 95 % | sd over seeds |", "|---|---|---|"]
    for step, values, deviation in zip(steps, np.transpose(ratios), spread, strict=True):
        lines.append(f"| {step} | {t_interval(values):.3f} | {deviation:.3f} |")
    text = "\n".join(lines)
    name = "single_hard" if options.hard else "single"
    (options.out / f"{name}.md").write_text(text + "\n")
    print(text)
    draw(steps, mean, spread, options.out / f"{name}.png")


def draw(steps, mean, spread, path: pathlib.Path) -> None:
    """The ratio over training, with its standard deviation."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6, 3.8), layout="constrained")
    axis.errorbar(steps, mean, spread, marker="o", capsize=3)
    axis.axhline(1, color="grey", linewidth=0.5)
    axis.set(xlabel="step", ylabel="MSE, trained by NLPD over by MSE")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
