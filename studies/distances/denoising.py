"""Figure 9 of Hepburn et al. 2022: what a denoising autoencoder does to a picture, and its density.

    python studies/distances/denoising.py --out DIR [--steps 3000]

The best reconstruction r of a noisy x is x + sigma^2 d/dx ln p_sigma(x), with p_sigma the density
of the noisy samples (Miyasawa 1961; Alain and Bengio 2014). For four laws in one dimension this is
computed by convolution in float64, and a small network is trained beside it. The table has rank
correlations of |r(x) - x| with p_sigma, over all samples, about the mode and outside:
DIR/denoising.md, and DIR/denoising.png.
"""

import argparse
import pathlib
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from scipy import stats

from jaxcodec.analysis.correlation import spearman
from jaxcodec.runtime import compile_cache

SIGMA = 0.4
GRID = np.linspace(-12, 12, 24001)
POINTS = 4000


def _mixture(x: np.ndarray) -> np.ndarray:
    return 0.9 * stats.norm(0, 0.15).pdf(x) + 0.1 * stats.norm(0, 2).pdf(x)


def _drawn_mixture(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.normal(size=count) * np.where(rng.random(count) < 0.9, 0.15, 2)


LAWS: dict[str, tuple[Callable, Callable]] = {
    "Gauss": (stats.norm.pdf, lambda rng, count: rng.normal(size=count)),
    "Laplace": (stats.laplace.pdf, lambda rng, count: rng.laplace(size=count)),
    "Student-t, 3": (stats.t(3).pdf, lambda rng, count: rng.standard_t(3, count)),
    "sparse mixture": (_mixture, _drawn_mixture),
}
"""Density, and how to draw from it."""


def noisy_density(density: Callable) -> np.ndarray:
    """p_sigma on the grid."""
    step = GRID[1] - GRID[0]
    kernel = stats.norm(0, SIGMA).pdf(np.arange(-4000, 4001) * step) * step
    return np.convolve(density(GRID), kernel, mode="same")


def moved(p: np.ndarray) -> np.ndarray:
    """r(x) - x on the grid: sigma^2 times the slope of ln p_sigma."""
    return SIGMA**2 * np.gradient(np.log(p), GRID)


class Denoiser(nn.Module):
    """1-100-100-1 with softplus; it starts near the identity."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        h = nn.softplus(nn.Dense(100)(x))
        return x + nn.Dense(1, kernel_init=nn.initializers.zeros)(nn.softplus(nn.Dense(100)(h)))


def trained(samples: np.ndarray, steps: int) -> Any:
    """Variables of a network that brings noisy samples back."""
    model, optimiser = Denoiser(), optax.adam(optax.cosine_decay_schedule(3e-3, steps))
    params = model.init(jax.random.key(0), jnp.zeros((1, 1)))
    clean = jnp.asarray(samples, jnp.float32)[:, None]

    def loss(params, key):
        chosen, noise = jax.random.split(key)
        x = clean[jax.random.randint(chosen, (2048,), 0, len(clean))]
        noisy = x + SIGMA * jax.random.normal(noise, x.shape)
        return jnp.mean((model.apply(params, noisy) - x) ** 2)

    @jax.jit
    def run(params):
        def step(carry, key):
            params, state = carry
            updates, state = optimiser.update(jax.grad(loss)(params, key), state)
            return (optax.apply_updates(params, updates), state), None

        keys = jax.random.split(jax.random.key(1), steps)
        return jax.lax.scan(step, (params, optimiser.init(params)), keys)[0][0]

    return run(params)


def main() -> None:
    """Computes all laws, and draws them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--steps", type=int, default=3000)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    compile_cache.enable()
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(LAWS), figsize=(16, 3.8), layout="constrained")
    lines = [
        "| law | rho(size of the move, p), all | about the mode | outside | network: RMSE of its "
        "move | of no move |",
        "|---|---|---|---|---|---|",
    ]
    rng = np.random.default_rng(0)
    for axis, (name, (density, draw)) in zip(axes, LAWS.items(), strict=True):
        p = noisy_density(density)
        exact = moved(p)
        noisy = draw(rng, POINTS) + SIGMA * rng.normal(size=POINTS)
        noisy = noisy[np.abs(noisy) < 11]
        own, size = np.interp(noisy, GRID, p), np.abs(np.interp(noisy, GRID, exact))
        # The half of the samples that are likeliest are about the mode.
        mode = own > np.median(own)
        cells = [spearman(size[part], own[part]) for part in (slice(None), mode, ~mode)]
        params = trained(draw(rng, 200_000), options.steps)
        found = np.asarray(Denoiser().apply(params, jnp.float32(noisy)[:, None]))[:, 0] - noisy
        signed = np.interp(noisy, GRID, exact)
        errors = [np.sqrt(np.mean((each - signed) ** 2)) for each in (found, 0 * signed)]
        lines.append(
            f"| {name} | {' | '.join(map(str, cells))} | {errors[0]:.3f} | {errors[1]:.3f} |"
        )
        inside = np.abs(GRID) < 6
        axis.plot(GRID[inside], np.abs(exact[inside]), label="|r(x) - x|")
        axis.plot(GRID[inside], p[inside], label="density of noisy samples")
        order = np.argsort(noisy)
        axis.plot(noisy[order], np.abs(found[order]), linewidth=0.8, label="|r(x) - x|, network")
        axis.set(title=name, xlim=(-6, 6), xlabel="x")
    axes[0].legend(fontsize=8)
    figure.savefig(options.out / "denoising.png", dpi=110)
    text = "\n".join(lines)
    (options.out / "denoising.md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
