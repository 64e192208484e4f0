"""Refinement with jaxcodec beside a plain PyTorch SGA on CompressAI's mean-scale model of the same
size and weights.

    benchmarks/setup_peers.sh DIR python benchmarks/refinement_speed.py --peer-python DIR/bin/python
    --images KODAK.png ... [--batches 1 4]

Both sides stay warm and take turns, some steps each, as in run.py. Steps per second are those of
all images of a batch together. jaxcodec's include a look at the true loss in each turn, PyTorch's
have none; what one takes, and what jaxcodec's first turn takes longer than a later one since it
compiles, have columns of their own.
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import tempfile
from collections.abc import Iterator

import run
import worker

HERE = pathlib.Path(__file__).resolve().parent
HEADER = """\
| batch | jaxcodec, steps/s | PyTorch, steps/s | jaxcodec is faster by | true loss s, jaxcodec / PyTorch | compilation s, jaxcodec / PyTorch |
| --- | --- | --- | --- | --- | --- |"""  # noqa: E501


def compare(pair: dict[str, run.Worker], size: int, steps: int, repeats: int) -> dict:
    """The figures of a batch of `size` images."""
    first, second = (
        {side: pair[side].ask(f"begin {size}") for side in run.SIDES} for _ in range(2)
    )
    advance = run.measure(pair, f"advance {size}", repeats, uncounted=0)
    look = run.measure(pair, f"look {size}", repeats)
    return {
        "batch": size,
        "steps": steps,
        "compilation": {
            side: first[side]["seconds"] - second[side]["seconds"] for side in run.SIDES
        },
        "advance": advance,
        "look": look,
        "first_losses": {side: first[side]["losses"] for side in run.SIDES},
        "last_losses": {
            "jaxcodec": advance["jaxcodec"]["losses"],
            "compressai": look["compressai"]["losses"],
        },
    }


def rows(commands: dict[str, list[str]], arguments: argparse.Namespace) -> Iterator[dict]:
    """The figures of each batch."""
    sizes = ",".join(map(str, arguments.batches))
    with (
        tempfile.TemporaryDirectory() as folder,
        run.workers(commands, folder, str(arguments.steps), sizes, *arguments.images) as pair,
    ):
        for size in arguments.batches:
            yield compare(pair, size, arguments.steps, arguments.repeats)


def table_row(row: dict) -> str:
    """One line of the Markdown table."""
    ours, theirs = (
        row["batch"] * row["steps"] / row["advance"][side]["seconds"] for side in run.SIDES
    )
    looks = " / ".join(f"{row['look'][side]['seconds']:.3f}" for side in run.SIDES)
    compilation = " / ".join(f"{row['compilation'][side]:.1f}" for side in run.SIDES)
    return (
        f"| {row['batch']} | {ours:.2f} | {theirs:.2f} | {ours / theirs:.2f} | {looks} | "
        f"{compilation} |"
    )


def losses(row: dict) -> str:
    """That both sides did the same: mean true losses at the start and in the end, which differ by
    their random numbers.
    """
    means = {
        key: [statistics.mean(row[key][side]) for side in run.SIDES]
        for key in ("first_losses", "last_losses")
    }
    shown = ", ".join(
        f"{key.split('_')[0]} {ours:.4f} / {theirs:.4f}" for key, (ours, theirs) in means.items()
    )
    return f"batch {row['batch']}: true loss, jaxcodec / PyTorch: {shown}"


def main() -> None:
    """Runs the comparison that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--peer-python", required=True, help="the interpreter of the environment of setup_peers.sh"
    )
    parser.add_argument(
        "--images", nargs="+", required=True, help="pictures of one size; batches take them in turn"
    )
    parser.add_argument(
        "--batches", type=int, nargs="+", default=[1, 4], help="images in a batch (default 1 and 4)"
    )
    parser.add_argument("--steps", type=int, default=25, help="steps of a turn (default 25)")
    parser.add_argument(
        "--repeats", type=int, default=5, help="counted turns of each side (default 5)"
    )
    parser.add_argument(
        "--threads", type=int, default=2, help="processors that each side may use (default 2)"
    )
    parser.add_argument("--out", help="a JSON file for all figures")
    arguments = parser.parse_args()
    if len({worker.read(file).shape for file in arguments.images}) > 1:
        parser.error("the pictures of --images differ in size; give pictures of one size")
    os.sched_setaffinity(
        0, sorted(os.sched_getaffinity(0))[: arguments.threads]
    )  # the workers inherit it
    commands = {
        "jaxcodec": [sys.executable, str(HERE / "refine_ours.py")],
        "compressai": [arguments.peer_python, str(HERE / "refine_compressai.py")],
    }
    print(HEADER)
    results = []
    for row in rows(commands, arguments):
        results.append(row)
        print(table_row(row), flush=True)
        print(losses(row), file=sys.stderr)
    if arguments.out:
        pathlib.Path(arguments.out).write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
