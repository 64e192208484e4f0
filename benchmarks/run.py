"""jaxcodec beside CompressAI: the same architecture, the same pictures, runs interleaved, medians.

    benchmarks/setup_peers.sh DIR
    python benchmarks/run.py --peer-python DIR/bin/python --images SMALL.png LARGE.png [--model autoregressive]

Both have the same random weights: CompressAI's worker makes them, jaxcodec's imports them. Both workers stay warm and take turns, one task each, so that both meet whatever else the machine does. Seconds are wall
time. Peak memory is that of a fresh process that decodes each picture once. Needs jaxcodec installed, on Linux.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile

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
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
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
            raise RuntimeError(f"a worker stopped with status {self.process.wait()}; its error is above")
        return line.strip()

    def stop(self) -> None:
        """Ends the process."""
        self.process.stdin.close()
        self.process.wait()


def measure(workers: dict[str, Worker], task: str, repeats: int) -> dict[str, dict]:
    """The medians of a task for each side, after two runs that do not count; what else it tells is of the last run."""
    answers = {side: [] for side in SIDES}
    for number in range(2 + repeats):
        for side in SIDES if number % 2 else SIDES[::-1]:
            answers[side].append(workers[side].ask(task))
    medians = {}
    for side, all_answers in answers.items():
        counted = all_answers[2:]
        medians[side] = dict(counted[-1])
        for figure in ("seconds", "processor_seconds"):
            medians[side][figure] = statistics.median(answer[figure] for answer in counted)
        medians[side]["seconds_all"] = [round(answer["seconds"], 4) for answer in counted]
    return medians


def peak_memory(commands: dict[str, list[str]], model: str, folder: pathlib.Path, number: int) -> dict[str, float]:
    """MiB that a fresh process of each side takes at most to decode a kept picture."""
    return {
        side: float(
            subprocess.run(
                [*command, "--decode", model, str(folder / f"{side}_{number}")], check=True, capture_output=True, text=True
            ).stdout
        )
        for side, command in commands.items()
    }


def compare(commands: dict[str, list[str]], model: str, images: list[str], repeats: int) -> list[dict]:
    """One row for each task: name, picture, and both sides' figures."""
    sizes = ["x".join(map(str, worker.read(image).shape[1::-1])) for image in images]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        # CompressAI's first: it makes the weights.
        workers = {side: Worker([*commands[side], folder, model, *images]) for side in SIDES[::-1]}
        print(*(workers[side].ask("version")["version"] for side in SIDES), platform.machine(), sep="; ")
        print("| task | jaxcodec s | CompressAI s | jaxcodec is faster by | bytes |\n| --- | --- | --- | --- | --- |")

        def add(row):
            rows.append(row)
            print(table_row(row), flush=True)

        add({"task": "train", "size": f"{worker.BATCH}x{worker.CROP}x{worker.CROP}", **measure(workers, "train", repeats)})
        for number, size in enumerate(sizes):
            tasks = [name for name in NAMES if name != "train"]
            measured = {name: measure(workers, f"{name} {number}", repeats) for name in tasks}
            for name in tasks:
                add({"task": name, "size": size, **measured[name]})
            for name, network in RESTS.items():
                add({"task": f"{name} less {network}", "size": size, **rest(measured[name], measured[network])})
        for number in range(len(images)):
            for side in SIDES:
                workers[side].ask(f"keep {number}")
        for one in workers.values():
            one.stop()
        for number, size in enumerate(sizes):
            peaks = peak_memory(commands, model, pathlib.Path(folder), number)
            rows.append({"task": "peak memory of decode", "size": size, **peaks})
            print(f"peak memory of decode, {size}, MiB: " + ", ".join(f"{s} {peaks[s]:.0f}" for s in SIDES))
    return rows


def rest(whole: dict[str, dict], network: dict[str, dict]) -> dict[str, dict]:
    """What is left of a task's medians when those of a network are taken off."""
    return {
        side: {figure: whole[side][figure] - network[side][figure] for figure in ("seconds", "processor_seconds")}
        for side in SIDES
    }


def table_row(row: dict) -> str:
    """One line of the Markdown table."""
    ours, theirs = (row[side] for side in SIDES)
    ratio = theirs["seconds"] / ours["seconds"]
    size = f"{ours['bytes']} / {theirs['bytes']}" if "bytes" in ours else ""
    name = f"{NAMES.get(row['task'], row['task'])}, {row['size']}"
    return f"| {name} | {ours['seconds']:.3f} | {theirs['seconds']:.3f} | {ratio:.2f} | {size} |"


def main() -> None:
    """Runs the comparison that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--peer-python", required=True, help="the interpreter of the environment of setup_peers.sh")
    parser.add_argument("--images", nargs="+", required=True, help="pictures of at least 129x129 pixels")
    parser.add_argument("--model", choices=worker.MODELS, default="mean_scale")
    parser.add_argument("--threads", type=int, default=2, help="processors that each side may use (default 2)")
    parser.add_argument("--repeats", type=int, default=9, help="counted runs of each task (default 9)")
    parser.add_argument("--out", help="a JSON file for all figures")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.threads])  # the workers inherit it
    commands = {
        "jaxcodec": [sys.executable, str(HERE / "ours.py")],
        "compressai": [arguments.peer_python, str(HERE / "peer_compressai.py")],
    }
    rows = compare(commands, arguments.model, arguments.images, arguments.repeats)
    if arguments.out:
        pathlib.Path(arguments.out).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
