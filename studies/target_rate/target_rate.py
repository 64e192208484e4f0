"""Target-rate training, measured: trains every model of docs/rate_control.md, and prints its
tables.

    python studies/target_rate/target_rate.py --out DIR --data DIR[,DIR...] --tests NAME=DIR ...
    [--only PATTERN ...]

Each model is a run of `train.py` with `configs/target_rate_small.py` in a folder of its own under
--out, from the base of its entropy model; it is exported, and every picture of the test folders
goes through real files. What is done is kept: the same command goes on where it was stopped. --only
runs what matches one of these, as in 'parametric,*,general'; further --config.NAME=VALUE go to
`train.py`; --table prints the tables of what is there: what was measured, then R_param, shift and
beta at the end of training; --plot FILE draws the rate parameters over training.
"""

import argparse
import fnmatch
import json
import os
import pathlib
import subprocess
import sys

import numpy as np

from jaxcodec.objectives import thesis

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIG = ROOT / "configs" / "target_rate_small.py"
ENTROPIES = ("parametric", "non_parametric")
TARGETS = (0.12, 0.25, 0.5, 1.0)
METHODS = (
    "general",
    "fixed",
    "trade_off",
    "adaptive",
    "straight_through",
    "tolerant",
    "adaptive_tolerant",
    "mixed",
)
NAMES = {
    "general": "general (BS)",
    "fixed": "fixed, R_param = target",
    "trade_off": "trade-off",
    "adaptive": "adaptive (RA)",
    "straight_through": "general, straight-through",
    "tolerant": "general, beta adapted, twice the steps",
    "adaptive_tolerant": "adaptive, beta adapted, twice the steps",
    "mixed": "general, mixed",
    "all": "one model for all",
}


def runs() -> list[str]:
    """The arguments of the config, in the order of training."""
    bases = [f"{entropy},base" for entropy in ENTROPIES]
    single = [
        f"{entropy},{target},{method}"
        for method in METHODS
        for entropy in ENTROPIES
        for target in TARGETS
    ]
    return [*bases, "parametric,all", *single]


def train(name: str, options) -> pathlib.Path:
    """The exported codec of a run, trained if it is not there."""
    workdir = options.out / name.replace(",", "_")
    codec = workdir / "exported.codec"
    if codec.exists():
        return codec
    command = [
        sys.executable,
        str(ROOT / "train.py"),
        f"--config={CONFIG}:{name}",
        f"--workdir={workdir}",
    ]
    command += [f"--config.data.folders={options.data}", *options.settings]
    if not name.endswith("base"):
        command.append(f"--config.start.workdir={options.out / name.split(',')[0]}_base")
    workdir.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with (workdir / "train.log").open("a") as log:
        subprocess.run(command, check=True, stdout=log, stderr=log, env=environment)
        export = (
            "import sys; from jaxcodec.cli import main; sys.exit(main(['export', *sys.argv[1:]]))"
        )
        command = [sys.executable, "-c", export, str(workdir), str(codec)]
        subprocess.run(command, check=True, stdout=log, stderr=log, env=environment)
    return codec


def measure(codec_path: pathlib.Path, options) -> None:
    """Every test picture through real files; results.json beside the codec."""
    from jaxcodec.evaluation import learned, measure

    path = codec_path.with_name("results.json")
    if path.exists():
        return
    targets = len(TARGETS) if "_all" in codec_path.parent.name else 1
    coder = learned.from_spec(
        str(codec_path), qualities=[100 * i / max(targets - 1, 1) for i in range(targets)]
    )
    results = {}
    for test in options.tests:
        name, _, folder = test.partition("=")
        sweep = measure.sweep(coder, measure.load_photos(folder)[0])
        keep = ("image", "bpp", "psnr_db", "ssim", "ms_ssim")
        results[name] = [
            [{key: row.as_dict()[key] for key in keep} for row in sweep.at(point)]
            for point in coder.points
        ]
    path.write_text(json.dumps(results, indent=1))


def table(options) -> str:
    """Markdown: for each entropy model a row for each target, method and test set."""
    lines = []
    for entropy in ENTROPIES:
        lines += [
            f"\n**{entropy.capitalize().replace('_', '-')}**\n",
            "| target | method | set | mean bpp | off | deviation | worst | hits | PSNR | SSIM | "
            "MS-SSIM |",
            "|---|---|---|---|---|---|---|---|---|---|---|",
        ]
        for target, method, folder in _runs_of(entropy, options):
            path = folder / "results.json"
            point = TARGETS.index(target) if method == "all" else 0
            for test, points in json.loads(path.read_text()).items() if path.exists() else ():
                lines.append(
                    f"| {target} | {NAMES[method]} | {test} | {_row(points[point], target)} |"
                )
    return "\n".join(lines)


def ends(options) -> str:
    """Markdown: R_param, shift and beta of the last logged step of each run, and beta over the
    thesis'.
    """
    lines = [
        "\n| model | target | method | R_param | shift | beta | over the thesis' |",
        "|---|---|---|---|---|---|---|",
    ]
    for entropy in ENTROPIES:
        for target, method, folder in _runs_of(entropy, options):
            path = folder / "metrics.jsonl"
            rows = (
                [json.loads(line) for line in path.read_text().splitlines()]
                if path.exists()
                else []
            )
            rows = [row for row in rows if row["part"] == "train" and "parameter_bpp" in row]
            if rows and method != "all":  # one model for all logs means over its targets
                parameter, shift, beta = (
                    rows[-1][name] for name in ("parameter_bpp", "shift_bpp", "beta")
                )
                ratio = beta / thesis.SETTINGS[entropy][target].beta
                values = f"{parameter:.3f} | {shift:.3f} | {beta:.0f} | {ratio:.2f}"
                lines.append(f"| {entropy} | {target} | {NAMES[method]} | {values} |")
    return "\n".join(lines)


def _runs_of(entropy: str, options):
    """Target, method and folder of every run of an entropy model."""
    for target in TARGETS:
        for method in (*METHODS, "all"):
            name = f"{entropy}_all" if method == "all" else f"{entropy}_{target}_{method}"
            yield target, method, options.out / name


def _row(rows: list[dict], target: float) -> str:
    bpp, psnr, ssim, ms_ssim = (
        np.array([row[key] for row in rows]) for key in ("bpp", "psnr_db", "ssim", "ms_ssim")
    )
    error = bpp / target - 1
    worst = error[np.argmax(np.abs(error))]
    hits = f"{np.sum(np.abs(error) <= thesis.HIT)}/{len(rows)}"
    return (
        f"{bpp.mean():.4f} | {100 * (bpp.mean() / target - 1):+.1f} % | "
        f"{100 * bpp.std() / target:.1f} % "
        f"| {100 * worst:+.1f} % | {hits} | {psnr.mean():.2f} | {ssim.mean():.4f} | "
        f"{ms_ssim.mean():.4f}"
    )


def plot(options) -> None:
    """R_param, shift and rates over training, one row for each entropy model, one column for each
    target.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        len(ENTROPIES), len(TARGETS), figsize=(14, 6), squeeze=False, layout="constrained"
    )
    for (entropy, target), axis in zip(
        ((e, t) for e in ENTROPIES for t in TARGETS), axes.flat, strict=True
    ):
        path = options.out / f"{entropy}_{target}_general" / "metrics.jsonl"
        rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        rows = [row for row in rows if row["part"] == "train"]
        for key, label, style in (
            ("parameter_bpp", "R_param", "-"),
            ("bpp", "rate under noise", "-"),
            ("quantised_bpp", "rate", "-"),
            ("shift_bpp", "shift", ":"),
        ):
            axis.plot(
                [row["step"] for row in rows],
                [row[key] for row in rows],
                style,
                label=label,
                linewidth=1,
            )
        axis.axhline(target, color="grey", linewidth=0.5)
        axis.set(title=f"{entropy.replace('_', '-')}, {target} bpp", xlabel="step", ylabel="bpp")
    axes[0, 0].legend(fontsize=8)
    figure.savefig(options.plot)


def main() -> None:
    """Parses the command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], allow_abbrev=False)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder of the runs")
    parser.add_argument("--data", help="folders of training images, separated by commas")
    parser.add_argument(
        "--tests", nargs="+", default=[], metavar="NAME=DIR", help="folders of test pictures"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        default=["*"],
        metavar="PATTERN",
        help="only runs that match one of these",
    )
    parser.add_argument(
        "--table", action="store_true", help="print the tables of what is there, and train nothing"
    )
    parser.add_argument(
        "--plot",
        type=pathlib.Path,
        metavar="FILE",
        help="draw the training of the general strategy",
    )
    options, options.settings = parser.parse_known_args()
    if wrong := [setting for setting in options.settings if not setting.startswith("--config.")]:
        parser.error(f"{wrong[0]} is neither an option nor a setting of train.py")
    if options.plot:
        plot(options)
    if options.table:
        print(table(options))
        print(ends(options))
    if options.plot or options.table:
        return
    for name in runs():
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in options.only):
            print(name, flush=True)
            codec = train(name, options)
            if not name.endswith("base"):
                measure(codec, options)


if __name__ == "__main__":
    main()
