"""Time of a training step with the regularizer over that without, the two in turn.

    GLIBC_TUNABLES=glibc.malloc.hugetlb=1 python studies/regularizer/step_times.py [--batch 4]
        [--repeats 20] [--features 16] [NAME ...]

NAME is one of the small models of `regularizer.py` ("hyperprior", "autoregressive", "attention"),
or one with 128 filters and 192 latent channels ("hyperprior-128", "autoregressive-128",
"attention-128"). Crops are 256 pixels wide. The source model is the aligned one. Prints a row for
each: the median of the step's times without and with it, and of the ratio of neighbours; and the
mean system time of a step of both, over all threads: memory taken anew.
"""

import argparse
import resource
import time

import jax
import numpy as np

from jaxcodec.configs import regularized_small
from jaxcodec.models.presets import autoregressive_model, cheng2020_model, mean_scale_model
from jaxcodec.training import optimisers, run_steps, sharding
from jaxcodec.training.settings import Config

SMALL = ("hyperprior", "autoregressive", "attention")
LARGE = {
    "hyperprior-128": mean_scale_model(128, 192),
    "autoregressive-128": autoregressive_model(128, 192),
    "attention-128": cheng2020_model(128, attention=True),
}
ALPHAS = (0.0, 0.01)


def settings(name: str, alpha: float, batch: int, features: int = 16) -> Config:
    """The config of a model, with crops of 256."""
    kind = name.removesuffix("-128")
    config = regularized_small.get_config(f"{kind},{alpha:g}")
    if name in LARGE:
        config.model = LARGE[name]
        config.objective.update({"first": 0.0067, "last": 0.0067, "balance": 0.0})
    config.data.crop, config.batch_size, config.regularizer.features = 256, batch, features
    return config


def timed(name: str, batch: int, repeats: int, features: int = 16) -> str:
    """A row of the table."""
    mesh = sharding.data_mesh()
    images = np.random.default_rng(0).integers(0, 256, (batch, 256, 256, 3), np.uint8)
    given = sharding.put_batch(images, mesh)
    runs = []
    for alpha in ALPHAS:
        config = settings(name, alpha, batch, features)
        state = run_steps.first_state(config, mesh, fresh=False)
        runs.append([run_steps.make(config, mesh).train, state, optimisers.decay(config)])
    seconds, system = np.zeros((2, repeats + 1, len(runs)))
    for turn in range(repeats + 1):  # the first compiles
        for place, run in enumerate(runs):
            step, state, falling = run
            start, before = time.perf_counter(), _system_seconds()
            run[1], _ = jax.block_until_ready(step(state, given, falling))
            seconds[turn, place] = time.perf_counter() - start
            system[turn, place] = _system_seconds() - before
    without, regularised = np.median(seconds[1:], axis=0)
    ratio = 100 * np.median(seconds[1:, 1] / seconds[1:, 0])
    spent = " / ".join(f"{mean:.2f} s" for mean in np.mean(system[1:], axis=0))
    return f"| {name} | {batch} | {without:.3f} s | {regularised:.3f} s | {ratio:.1f} % | {spent} |"


def _system_seconds() -> float:
    """System time of this process so far, of all its threads."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_stime


def main() -> None:
    """Parses the command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], allow_abbrev=False)
    parser.add_argument("names", nargs="*", metavar="NAME", default=[*SMALL, *LARGE])
    parser.add_argument("--batch", type=int, default=4, help="crops in a step (default 4)")
    parser.add_argument("--repeats", type=int, default=20, help="steps of each (default 20)")
    parser.add_argument("--features", type=int, default=16, help="of the source model (default 16)")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in (*SMALL, *LARGE)]:
        parser.error(f"{unknown[0]!r} is not one of {', '.join((*SMALL, *LARGE))}")
    print("| model | crops | without | with | ratio | system time |", "|---" * 6 + "|", sep="\n")
    for name in options.names:
        print(timed(name, options.batch, options.repeats, options.features), flush=True)


if __name__ == "__main__":
    main()
