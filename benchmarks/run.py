"""jaxcodec beside CompressAI: the same architecture, the same pictures, runs interleaved, medians.

    benchmarks/setup_peers.sh DIR python benchmarks/run.py --peer-python DIR/bin/python --images
    SMALL.png LARGE.png [--model autoregressive]

Both have the same random weights: CompressAI's worker makes them, jaxcodec's imports them. Both
stay warm and take turns, one task each, so that both meet whatever else the machine does. Seconds
are wall time. Peak memory is that of a fresh process that decodes each picture once. Needs jaxcodec
installed, on Linux.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import worker

HERE = pathlib.Path(__file__).resolve().parent
SIDES = ("jaxcodec", "compressai")
NAMES = {
    "train": "training step",
    "analysis": "analysis network",
    "synthesis": "synthesis network",
    "encode": "whole encode",
    "decode": "whole decode",
}
RESTS = {"encode": "analysis", "decode": "synthesis"}
"""Tasks, and the networks that are taken off them to tell what the rest takes."""


class Worker:
    """A warm process that answers tasks."""

    def __init__(self, command: list[str]):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        if self._line() != "ready":
            raise RuntimeError(f"{command[1]} did not become ready")

    def ask(self, task: str) -> dict:
        """What the worker tells of one run of a task."""
        self.process.stdin.write(task + "\n")
        self.process.stdin.flush()
        return json.loads(self._line())

    def _line(self) -> str:
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(
                f"a worker stopped with status {self.process.wait()}; its error is above"
            )
        return line.strip()

    def stop(self) -> None:
        """Ends the process."""
        self.process.stdin.close()
        self.process.wait()


def measure(
    workers: dict[str, Worker], task: str, repeats: int, uncounted: int = 2
) -> dict[str, dict]:
    """The medians of a task for each side, after runs that do not count; what else it tells is of
    the last run.
    """
    answers = {side: [] for side in SIDES}
    for number in range(uncounted + repeats):
        for side in SIDES if number % 2 else SIDES[::-1]:
            answers[side].append(workers[side].ask(task))
    medians = {}
    for side, all_answers in answers.items():
        counted = all_answers[uncounted:]
        medians[side] = dict(counted[-1])
        for figure in ("seconds", "processor_seconds"):
            medians[side][figure] = statistics.median(answer[figure] for answer in counted)
        medians[side]["seconds_all"] = [round(answer["seconds"], 4) for answer in counted]
    return medians


def peak_memory(
    commands: dict[str, list[str]], folder: str, model: str, number: int
) -> dict[str, float]:
    """MiB that a fresh process of each side takes at most to decode a kept picture."""
    peaks = {}
    for side, command in commands.items():
        once = [*command, "once", folder, model, f"{folder}/{side}_{number}"]
        peaks[side] = float(subprocess.run(once, check=True, capture_output=True, text=True).stdout)
    return peaks


def compare(
    commands: dict[str, list[str]], model: str, images: list[str], repeats: int
) -> Iterator[dict]:
    """A row for each task: its name, the picture's size, and both sides' figures."""
    with tempfile.TemporaryDirectory() as folder:
        if model in worker.TRAINED:
            with workers(commands, "train", folder, model, *images[:1]) as pair:
                crops = f"{worker.BATCH}x{worker.CROP}x{worker.CROP}"
                yield {"task": "train", "size": crops, **measure(pair, "train", repeats)}
        sizes = ["x".join(map(str, worker.read(image).shape[1::-1])) for image in images]
        with workers(commands, "code", folder, model, *images) as pair:
            for number, size in enumerate(sizes):
                for row in coding_rows(pair, number, repeats):
                    yield {"size": size, **row}
                for side in SIDES:
                    pair[side].ask(f"keep {number}")
        for number, size in enumerate(sizes):
            yield {
                "task": "peak memory",
                "size": size,
                **peak_memory(commands, folder, model, number),
            }


@contextlib.contextmanager
def workers(commands: dict[str, list[str]], *arguments: str) -> Iterator[dict[str, Worker]]:
    """A worker for each side, CompressAI's first for it makes the weights; they are stopped in the
    end.
    """
    pair = {side: Worker([*commands[side], *arguments]) for side in SIDES[::-1]}
    print(
        *(pair[side].ask("version")["version"] for side in SIDES),
        platform.machine(),
        sep="; ",
        file=sys.stderr,
    )
    yield pair
    for one in pair.values():
        one.stop()


def coding_rows(pair: dict[str, Worker], number: int, repeats: int) -> Iterator[dict]:
    """The rows of a picture: its tasks, and what is left of the whole when the large networks are
    taken off.
    """
    measured = {}
    for task in NAMES:
        if task != "train":
            measured[task] = measure(pair, f"{task} {number}", repeats)
            yield {"task": task, **measured[task]}
    for task, network in RESTS.items():
        yield {"task": f"{task} less {network}", **rest(measured[task], measured[network])}


def rest(whole: dict[str, dict], network: dict[str, dict]) -> dict[str, dict]:
    """What is left of a task's medians when those of a network are taken off."""
    return {
        side: {
            figure: whole[side][figure] - network[side][figure]
            for figure in ("seconds", "processor_seconds")
        }
        for side in SIDES
    }


def table_row(row: dict) -> str:
    """One line of the Markdown table."""
    ours, theirs = (row[side] for side in SIDES)
    name = f"{NAMES.get(row['task'], row['task'])}, {row['size']}"
    if row["task"] == "peak memory":
        return f"| {name}, MiB | {ours:.0f} | {theirs:.0f} | | |"
    ratio = theirs["seconds"] / ours["seconds"]
    size = f"{ours['bytes']} / {theirs['bytes']}" if "bytes" in ours else ""
    return f"| {name} | {ours['seconds']:.3f} | {theirs['seconds']:.3f} | {ratio:.2f} | {size} |"


def main() -> None:
    """Runs the comparison that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--peer-python", required=True, help="the interpreter of the environment of setup_peers.sh"
    )
    parser.add_argument(
        "--images", nargs="+", required=True, help="pictures of at least 129x129 pixels"
    )
    parser.add_argument("--model", choices=worker.MODELS, default="mean_scale")
    parser.add_argument(
        "--threads", type=int, default=2, help="processors that each side may use (default 2)"
    )
    parser.add_argument(
        "--repeats", type=int, default=9, help="counted runs of each task (default 9)"
    )
    parser.add_argument("--out", help="a JSON file for all figures")
    arguments = parser.parse_args()
    os.sched_setaffinity(
        0, sorted(os.sched_getaffinity(0))[: arguments.threads]
    )  # the workers inherit it
    commands = {
        "jaxcodec": [sys.executable, str(HERE / "ours.py")],
        "compressai": [arguments.peer_python, str(HERE / "peer_compressai.py")],
    }
    print(
        "| task | jaxcodec s | CompressAI s | jaxcodec is faster by | bytes |\n| --- | --- | --- | "
        "--- | --- |"
    )
    rows = []
    for row in compare(commands, arguments.model, arguments.images, arguments.repeats):
        rows.append(row)
        print(table_row(row), flush=True)
    if arguments.out:
        pathlib.Path(arguments.out).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
