"""The information-theoretic regularizer, measured: trains every model of docs/regularizer.md.

    python studies/regularizer/regularizer.py --out DIR --data DIR[,DIR...] --tests NAME=DIR ... \\
        --part b [--part c ...]
    python studies/regularizer/regularizer.py --out DIR --tests NAME=DIR --refine 100
    python studies/regularizer/regularizer.py --out DIR --held-out
    python studies/regularizer/regularizer.py --out DIR --table [--plot FILE]

Each model is a run of `train.py` with `configs/regularized_small.py` in a folder of its own under
--out, from the base of its architecture; it is exported, and every picture of the test folders goes
through real files. What is done is kept: the same command goes on where it was stopped. Arms with
one seed see the same crops, flips, qualities and noise, so they are compared in pairs. --held-out
tells what held-out crops of the training pictures prefer, by which --alpha is chosen; --refine has
eight pictures of the first test folder refined, without the regularizer and with --alpha; --table
prints BD-rates over the runs without the regularizer. Further --config.NAME=VALUE go to `train.py`.
"""

import argparse
import json
import pathlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from runs import METRICS, Run, arms, measure, refine, refined_arms

from jaxcodec.configs.regularized_small import FIRST, LAST
from jaxcodec.distortions.distortion import similarity_db
from jaxcodec.evaluation.bd import Curve, bd_rate
from jaxcodec.evaluation.paired import bd_rates, t_interval

NATURAL = ("kodak", "gb82_photo", "cid22_validation")


class Gain(NamedTuple):
    """A mean over seeds, half the width of its 95 % t-interval, the number of seeds, and half the
    width of the interval of a bootstrap over pictures.
    """

    mean: float
    half: float
    seeds: int
    pictures: float

    def __str__(self) -> str:
        half = f" ± {self.half:.2f}" if self.seeds > 1 else ""
        return f"{self.mean:+.2f}{half} (± {self.pictures:.2f}), {self.seeds}"


def per_picture(
    arm: list[Run], zero: list[Run], sets: list[str], metric: str, out: pathlib.Path
) -> dict[str, float]:
    """BD-rate (%) of each picture of some test sets; several runs are one curve."""
    found = {}
    for name in sets:
        rates = bd_rates(*(_points(runs, name, metric, out) for runs in (arm, zero)))
        found |= {f"{name}/{picture}": rate for picture, rate in rates.items()}
    return found


def _points(
    runs: list[Run], name: str, metric: str, out: pathlib.Path
) -> dict[str, list[tuple[float, float]]]:
    """(bpp, dB) of each picture of a set; the points of several runs are one curve."""
    column = 1 + METRICS.index(metric)
    curves: dict[str, list[tuple[float, float]]] = {}
    for run in runs:
        path = out / run.folder / f"{name}.json"
        for picture, rows in json.loads(path.read_text()).items() if path.exists() else ():
            values = np.array(rows)[:, [0, column]]
            if metric == "ms_ssim":
                values[:, 1] = similarity_db(values[:, 1])
            curves.setdefault(picture, []).extend(map(tuple, values))
    return curves


def gain(pairs: list[dict[str, float]]) -> Gain | None:
    """Of BD-rates by seed and picture; None where nothing is measured yet."""
    pairs = [pair for pair in pairs if pair]
    if not pairs:
        return None
    common = set.intersection(*(set(pair) for pair in pairs))
    seeds = t_interval([np.mean([pair[name] for name in common]) for pair in pairs])
    pictures = np.array([np.mean([pair[name] for pair in pairs]) for name in sorted(common)])
    rng = np.random.default_rng(0)
    draws = pictures[rng.integers(len(pictures), size=(2000, len(pictures)))].mean(axis=1)
    return Gain(*seeds, float(1.96 * draws.std()))


def table(options: argparse.Namespace) -> str:
    """Markdown: for each part, arm and metric the BD-rate on natural pictures and on each other."""
    others = [name for name in ("gb82_screen", "pixel_art", "pathology") if _any(name, options.out)]
    sets = {"natural": list(NATURAL)} | {name: [name] for name in (*NATURAL, *others)}
    lines = [f"| part | arm | metric | {' | '.join(sets)} |", "|---" * (3 + len(sets)) + "|"]
    for part in "bcdefghstuv":
        runs = arms(part, options.alpha)
        for arm, own in list(runs.items())[1:]:
            for metric in METRICS:
                cells = [str(cell(own, runs["0"], part, names, metric, options.out) or "")
                         for names in sets.values()]  # fmt: skip
                if any(cells):
                    lines.append(f"| {part} | {arm} | {metric} | {' | '.join(cells)} |")
    return "\n".join(lines)


def refined_table(options: argparse.Namespace) -> str:
    """Markdown: BD-rates of the best alpha over none, with and without refinement."""
    name, (none, own) = options.tests[0].split("=", 1)[0], refined_arms(options.alpha).values()
    lines = ["| steps of refinement | metric | BD-rate |", "|---|---|---|"]
    for steps in (0, options.refine):
        for metric in METRICS:
            found = cell(own, none, "b", [f"{name}_refined_{steps}"], metric, options.out)
            lines.append(f"| {steps} | {metric} | {found} |")
    return "\n".join(lines)


def cell(own, zero, part: str, names: list[str], metric: str, out: pathlib.Path):
    """The interval of an arm over test sets; of part h, four models are one curve."""
    if part == "h":
        return gain([per_picture(own, zero, names, metric, out)])
    pairs = zip(own, zero, strict=True)
    return gain([per_picture([one], [none], names, metric, out) for one, none in pairs])


def _any(name: str, out: pathlib.Path) -> bool:
    return any(out.glob(f"*/{name}.json"))


def validations(run: Run, out: pathlib.Path) -> Iterator[tuple[int, Curve]]:
    """The curves of a run on held-out crops, means over them, and the steps they are of."""
    path = out / run.folder / "metrics.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    rows = [row for row in map(json.loads, lines) if row["part"].startswith("validation/")]
    for step in sorted({row["step"] for row in rows}):
        points = [(row["bpp"], row["psnr_db"]) for row in rows if row["step"] == step]
        if len(points) > 1:
            yield step, Curve(*np.transpose(points))


def over_training(own: list[Run], zero: list[Run], out: pathlib.Path) -> dict[int, Gain]:
    """BD-rate on held-out crops of an arm, by step."""
    gaps: dict[int, list[dict[str, float]]] = {}
    for one, none in zip(own, zero, strict=True):
        before = dict(validations(none, out))
        for step, curve in validations(one, out):
            if step in before:
                gaps.setdefault(step, []).append({"crops": bd_rate(curve, before[step])})
    spans = {step: gain(pairs) for step, pairs in sorted(gaps.items())}
    return {step: span for step, span in spans.items() if span is not None}


def held_out(options: argparse.Namespace) -> str:
    """Markdown: BD-rate on held-out crops over training, each arm with a range of rates."""
    lines = ["| part | arm | step | BD-rate, seeds |", "|---|---|---|---|"]
    for part in "bcdfstuv":
        runs = arms(part, options.alpha)
        for arm, own in list(runs.items())[1:]:
            for step, value in over_training(own, runs["0"], options.out).items():
                half = f" ± {value.half:.2f}" if value.seeds > 1 else ""
                text = f"{value.mean:+.2f}{half}, {value.seeds}"
                lines.append(f"| {part} | {arm} | {step} | {text} |")
    return "\n".join(lines)


def shifts(options: argparse.Namespace) -> str:
    """Markdown: what alpha does to rate and PSNR of held-out crops, and what it leaves of lambda.

    At the end of training, by quality, means over the seeds of part b.
    """
    lines = ["| alpha | quality | bpp | PSNR | lambda left |", "|---" * 5 + "|"]
    runs = arms("b", options.alpha)
    for arm, own in list(runs.items())[1:]:
        pairs = [
            (last_rows(one, options.out), last_rows(none, options.out))
            for one, none in zip(own, runs["0"], strict=True)
        ]
        pairs = [pair for pair in pairs if all(pair)]
        for name in pairs[0][0] if pairs else ():
            ours, others = ([pair[place][name] for pair in pairs] for place in (0, 1))
            quality = float(name.split("_")[1])
            trade_off = FIRST * (LAST / FIRST) ** quality
            rate = np.mean([a["bpp"] / b["bpp"] for a, b in zip(ours, others, strict=True)]) - 1
            db = np.mean([a["psnr_db"] - b["psnr_db"] for a, b in zip(ours, others, strict=True)])
            left = np.mean([row["trade_off_effective"] for row in ours]) / trade_off
            lines.append(
                f"| {arm} | {100 * quality:.0f} | {100 * rate:+.2f} % | {db:+.3f} dB "
                f"| {100 * left:.1f} % |"
            )
    return "\n".join(lines)


def last_rows(run: Run, out: pathlib.Path) -> dict[str, dict]:
    """The last validation of a run on held-out crops, by quality; empty before there is one."""
    path = out / run.folder / "metrics.jsonl"
    rows = map(json.loads, path.read_text().splitlines() if path.exists() else [])
    return {row["part"]: row for row in rows if row["part"].startswith("validation/quality_")}


def plot(options: argparse.Namespace) -> None:
    """BD-rate over alpha (figure 5 of the paper) and over training (figure 3), both of part b."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    runs = arms("b", options.alpha)
    for name in (*NATURAL, "gb82_screen", "pixel_art", "pathology"):
        found = [
            (float(arm), cell(own, runs["0"], "b", [name], "psnr_db", options.out))
            for arm, own in list(runs.items())[1:]
        ]
        drawn = [(alpha, each.mean, each.half) for alpha, each in found if each]
        if drawn:
            alphas, means, halves = np.transpose(drawn)
            left.errorbar(alphas, means, halves, marker="o", capsize=3, label=name)
    for arm, own in list(runs.items())[1:]:
        found = over_training(own, runs["0"], options.out)
        if found:
            means, halves = np.transpose([(each.mean, each.half) for each in found.values()])
            right.errorbar(list(found), means, halves, marker="o", capsize=3, label=f"alpha {arm}")
    left.set(xscale="log", xlabel="alpha", ylabel="BD-rate (%)", title="test pictures")
    left.set_xticks([float(arm) for arm in runs if float(arm)], [arm for arm in runs if float(arm)])
    left.minorticks_off()
    right.set(xlabel="step", ylabel="BD-rate (%)", title="held-out crops")
    for axis in (left, right):
        axis.axhline(0, color="grey", linewidth=0.5)
        axis.legend(fontsize=8)
    figure.savefig(options.plot)


def main() -> None:
    """Parses the command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], allow_abbrev=False)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder of the runs")
    parser.add_argument("--data", help="folders of training images, separated by commas")
    parser.add_argument("--tests", nargs="+", default=[], metavar="NAME=DIR", help="test pictures")
    parser.add_argument("--part", action="append", choices=list("bcdefghstuv"), help="what to run")
    parser.add_argument("--alpha", type=float, default=0.01, help="that held-out crops prefer")
    parser.add_argument(
        "--refine", type=int, metavar="STEPS", help="refine pictures of the first of --tests"
    )
    parser.add_argument("--held-out", action="store_true", help="print what held-out crops say")
    parser.add_argument("--table", action="store_true", help="print the table of what is there")
    parser.add_argument("--plot", type=pathlib.Path, metavar="FILE", help="draw part b")
    options, options.settings = parser.parse_known_args()
    if wrong := [setting for setting in options.settings if not setting.startswith("--config.")]:
        parser.error(f"{wrong[0]} is neither an option nor a setting of train.py")
    if options.refine and not options.tests:
        parser.error("--refine takes the pictures of --tests NAME=DIR")
    if options.table:
        print(table(options))
    if options.held_out:
        print(held_out(options), shifts(options), sep="\n\n")
    if options.plot:
        plot(options)
    if options.refine:
        for together in zip(*refined_arms(options.alpha).values(), strict=True):
            for run in together:
                refine(run, options)
        print(refined_table(options))
    for part in options.part or ():
        # Seed by seed, so that what is there at any time is made of whole pairs.
        for together in zip(*arms(part, options.alpha).values(), strict=True):
            for run in together:
                measure(run, options)


if __name__ == "__main__":
    main()
