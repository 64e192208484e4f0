"""Observations 2 to 4 of Hepburn et al. 2022 where the density is known: codecs of a Student-t.

    python studies/distances/toy.py --out DIR [--steps 3000] [--batch 512] [--seeds 5] [--report]

Four arms with a factorized prior, trained on the Student-t or on uniform samples, plain or with the
squared error weighed by p(x), at six lambdas; and codecs of few levels in one and two dimensions,
without a rate in the loss, whose cells theory knows: D_s goes as p^(-1/3) and p^(-1/4). All lambdas
and seeds of an arm train in one compiled call. An arm that is there is not trained again. Results
are DIR/toy.md and DIR/toy.png.
"""

import argparse
import functools
import pathlib
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.polynomial import Chebyshev
from scipy import stats

from jaxcodec.analysis import toy
from jaxcodec.evaluation.paired import t_interval
from jaxcodec.runtime import compile_cache

TRADE_OFFS = (2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
POINTS = 4096
SIDE = 10.0
DEGREE = 20
NAMES = ("D_s", "D_r/D_e", "D_in/D_e")


class Arm(NamedTuple):
    """A codec, what it is trained on, and the lambdas."""

    codec: toy.ToyCodec
    training: toy.Training
    trade_offs: tuple[float, ...]


def arms(steps: int, batch: int) -> dict[str, Arm]:
    """All arms by name."""
    found = {}
    for law in (toy.student_t, toy.uniform):
        for weighted in (False, True):
            name = f"{law.__name__}{'_weighted' if weighted else ''}"
            training = toy.Training(law, weighted, steps, batch)
            found[name] = Arm(toy.ToyCodec(), training, TRADE_OFFS)
    for dimensions, levels in ((1, 8), (1, 32), (1, 64), (2, 8), (2, 16)):
        for hard in (False, True):
            name = f"levels_{levels}_in_{dimensions}d_{'hard' if hard else 'soft'}"
            codec = toy.ToyCodec(dimensions, levels=levels, hard=hard)
            found[name] = Arm(codec, toy.Training(steps=steps, batch=batch), (1.0,))
    return found


def trained(arm: Arm, seeds: int, path: pathlib.Path):
    """Variables with axes (lambda, seed) before their own, from the file or trained."""
    start = arm.codec.init(
        jax.random.key(0), jnp.zeros((1, arm.codec.dimensions)), jax.random.key(0)
    )
    if path.exists():
        leaves = np.load(path)
        treedef = jax.tree.structure(start)
        return jax.tree.unflatten(treedef, [leaves[name] for name in sorted(leaves.files)])
    one = functools.partial(toy.train, arm.codec, arm.training)
    many = jax.jit(jax.vmap(jax.vmap(one, (None, 0)), (0, None)))
    keys = jax.random.split(jax.random.key(1), seeds)
    params = many(jnp.array(arm.trade_offs), keys)
    leaves = {f"{place:03}": np.asarray(leaf) for place, leaf in enumerate(jax.tree.leaves(params))}
    np.savez(path.with_suffix(".part.npz"), **leaves)
    path.with_suffix(".part.npz").replace(path)
    return params


def measured(arm: Arm, params, x: jax.Array) -> toy.Measured:
    """Of samples, each (lambda, seed, n)."""
    one = functools.partial(toy.measure, arm.codec, x=x)
    return jax.tree.map(np.asarray, jax.jit(jax.vmap(jax.vmap(one)))(params))


def report(done: dict[str, tuple[Arm, object]]) -> str:
    """Markdown: rates, errors and rank correlations with p over seeds; and slopes."""
    lines = [
        f"| arm | lambda | bits, Student-t | SSE, Student-t | bits, uniform | SSE, uniform | "
        f"{' | '.join(f'rho({name}, p)' for name in NAMES)} |",
        "|---" * (6 + len(NAMES)) + "|",
    ]
    slopes = ["| arm | bits | SSE | slope of log D_s over log p | theory |", "|---" * 5 + "|"]
    for name, (arm, params) in done.items():
        d = arm.codec.dimensions
        x = toy.student_t(jax.random.key(99), POINTS, d)
        found, p = measured(arm, params, x), np.asarray(toy.log_density(x))
        if arm.codec.levels:
            values = [slope(own, p) for own in found.own[0]]
            error = np.mean(found.own[0] ** 2, axis=-1)
            slopes.append(
                f"| {name} | {found.bits.mean():.2f} | {error.mean():.3g} | "
                f"{t_interval(values):.3f} | {-1 / (d + 2):+.3f} |"
            )
            continue
        flat = measured(arm, params, toy.uniform(jax.random.key(98), POINTS, d, SIDE))
        for place, trade_off in enumerate(arm.trade_offs):
            cells = [
                f"{each.bits[place].mean():.2f} | {np.mean(each.own[place] ** 2):.3g}"
                for each in (found, flat)
            ]
            for values in (found.own, found.reconstruction, found.inner):
                cells.append(f"{t_interval([rank(own, p) for own in values[place]]):.3f}")
            lines.append(f"| {name} | {trade_off:g} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *slopes])


def rank(values: np.ndarray, p: np.ndarray) -> float:
    """Spearman's rho; 0 for a constant."""
    ranks = stats.rankdata([values, p], axis=1)
    return float(np.corrcoef(ranks)[0, 1]) if np.ptp(values) > 0 else 0.0


def slope(own: np.ndarray, p: np.ndarray, bins: int = 16) -> float:
    """Of the logarithm of the root mean square of D_s over log p, in bins of as many points.

    Points beyond the outermost centres are cut to them: the rarest 5 % are left out.
    """
    order = np.argsort(p)[len(p) // 20 :]
    parts = np.array_split(order, bins)
    logs = [(p[part].mean(), np.log(np.mean(own[part] ** 2)) / 2) for part in parts]
    return float(np.polyfit(*np.transpose(logs), 1)[0])


def draw(done: dict[str, tuple[Arm, object]], path: pathlib.Path, trade_off: int = 2) -> None:
    """Cells and code vectors of the four arms, and distortion over rate along the x-axis."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = [name for name, (arm, _) in done.items() if not arm.codec.levels]
    figure, axes = plt.subplots(2, 4, figsize=(15, 7.5), layout="constrained")
    side = np.linspace(-6, 6, 400, dtype=np.float32)
    grid = jnp.stack(jnp.meshgrid(side, side), axis=-1)
    line = jnp.stack([jnp.linspace(-SIDE, SIDE, 801), jnp.zeros(801)], axis=-1)
    curves = {}
    for axis, name in zip(axes[0], names, strict=True):
        arm, params = done[name]
        own = jax.tree.map(lambda leaf: leaf[trade_off, 0], params)
        latent = arm.codec.apply(own, grid, method="encode")
        symbols = np.asarray(arm.codec.apply(own, latent, method="round"))
        vectors = np.asarray(arm.codec.apply(own, jnp.asarray(symbols), method="decode"))
        changes = np.any(symbols[1:, 1:] != symbols[:-1, 1:], -1)
        changes |= np.any(symbols[1:, 1:] != symbols[1:, :-1], -1)
        axis.imshow(changes, extent=(-6, 6, -6, 6), origin="lower", cmap="Greys", alpha=0.6)
        axis.plot(*np.unique(vectors.reshape(-1, 2), axis=0).T, ".", markersize=3)
        axis.set(title=f"{name}, lambda {TRADE_OFFS[trade_off]:g}", xlim=(-6, 6), ylim=(-6, 6))
        found = measured(arm, params, line)
        ratio = found.own[trade_off] ** 2 / np.maximum(found.bits[trade_off], 0.1)
        curves[name] = ratio.mean(axis=0)
    x = np.asarray(line[:, 0])
    for axis, name in zip(axes[1], names[1:], strict=False):
        ratio = np.log(np.maximum(curves[name], 1e-9) / np.maximum(curves[names[0]], 1e-9))
        axis.plot(x, ratio, linewidth=0.5, alpha=0.6, label="raw")
        axis.plot(x, Chebyshev.fit(x, ratio, DEGREE)(x), label=f"degree {DEGREE}")
        axis.set(title=f"{name} over {names[0]}", xlabel="x", ylabel="ln of ratio of D_s² / bits")
        axis.legend()
    axis = axes[1][3]
    for name, (arm, params) in done.items():
        if arm.codec.levels and arm.codec.dimensions == 1 and arm.codec.hard:
            points = toy.student_t(jax.random.key(99), POINTS, 1)
            p, own = np.asarray(toy.log_density(points)), measured(arm, params, points).own[0]
            parts = np.array_split(np.argsort(p)[POINTS // 20 :], 16)
            axis.plot(
                [p[part].mean() for part in parts],
                [np.log(np.mean(own[:, part] ** 2)) / 2 for part in parts],
                ".-",
                label=name,
            )
    axis.set(title="few levels in one dimension", xlabel="ln p", ylabel="ln D_s")
    axis.legend()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Trains what is missing, and reports."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--report", action="store_true", help="only of what is there")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    compile_cache.enable()
    done = {}
    for name, arm in arms(options.steps, options.batch).items():
        path = options.out / f"{name}_{options.steps}_{options.batch}_{options.seeds}.npz"
        if options.report and not path.exists():
            continue
        print(name, flush=True)
        done[name] = arm, trained(arm, options.seeds, path)
    text = report(done)
    (options.out / "toy.md").write_text(text + "\n")
    print(text)
    draw(done, options.out / "toy.png")


if __name__ == "__main__":
    main()
