"""Many files through one command: which becomes which, what is said of each, and what a bad one does."""

import argparse
import contextlib
import dataclasses
import json
import math
import pathlib
import sys
import time
from collections.abc import Callable, Iterator

from jaxcodec.errors import CodecError, DataError

SUFFIX = ".jxc"
"""Suffix of a compressed picture."""


@dataclasses.dataclass(frozen=True)
class Result:
    """What became of one file: facts for --json, the same as text, notes for the user, and whether an interrupt cut it short."""

    facts: dict[str, float | None]
    text: str
    notes: tuple[str, ...]
    interrupted: bool = False


Outcome = Result | CodecError
"""What became of one file, or why nothing."""


def plan(
    options: argparse.Namespace, list_files: Callable, suffix: str, many: bool = False
) -> list[tuple[pathlib.Path, pathlib.Path]]:
    """Pairs of input and output file; makes the output folder where there is to be one, as there always is for `many`.

    Raises:
      CodecError: the folder cannot be made, or the output is the input.
      DataError: two inputs would have the same output, or there are none.
    """
    many = many or len(options.inputs) > 1 or options.inputs[0].is_dir()
    sources = [file for entry in options.inputs for file in list_files(entry)]
    folder = options.output
    if not many and not folder.is_dir():
        if folder.exists() and folder.samefile(sources[0]):
            raise CodecError(f"the output {folder} is the input itself; give it another name")
        return [(sources[0], folder)]
    try:
        folder.mkdir(exist_ok=True)
    except OSError as problem:
        raise CodecError(f"cannot make the output folder {folder}: {problem.strerror}") from problem
    jobs = {}
    for source in sources:
        target = folder / (source.stem + suffix)
        if target in jobs:
            raise DataError(f"{jobs[target]} and {source} would both become {target}; rename one of them")
        jobs[target] = source
    return [(source, target) for target, source in jobs.items()]


def list_compressed(path: pathlib.Path) -> list[pathlib.Path]:
    """A .jxc file, or those of a folder; raises DataError where it has none."""
    if not path.is_dir():
        return [path]
    files = sorted(path.glob(f"*{SUFFIX}"))
    if not files:
        raise DataError(f"the folder {path} holds no {SUFFIX} files")
    return files


def run(
    jobs: list[tuple[pathlib.Path, pathlib.Path]], work: Callable, options: argparse.Namespace, together: int = 1
) -> int:
    """Do `work(sources, targets) -> list[Outcome]` for so many jobs at a time, and return the exit status.

    Where there are several jobs, a bad one is named and the others go on. An interrupt that `work` made the best of ends
    the command before the next jobs.
    """
    import tqdm

    hidden = options.quiet or len(jobs) == 1 or not sys.stderr.isatty()
    failed, stopped = 0, False
    with tqdm.tqdm(total=len(jobs), disable=hidden, unit="file", file=sys.stderr) as bar:
        for first in range(0, len(jobs), together):
            if stopped:
                raise KeyboardInterrupt
            sources, targets = map(list, zip(*jobs[first : first + together], strict=True))
            start = time.perf_counter()
            outcomes = work(sources, targets)
            seconds = (time.perf_counter() - start) / len(sources)
            for source, target, outcome in zip(sources, targets, outcomes, strict=True):
                bar.update()
                with tqdm.tqdm.external_write_mode():
                    if isinstance(outcome, CodecError):
                        failed += 1
                        complain(outcome, source)
                        continue
                    stopped |= outcome.interrupted
                    if not options.quiet:
                        report(source, target, outcome, seconds, options.json)
    if failed and len(jobs) > 1:
        complain(f"{failed} of {len(jobs)} files failed")
    return 2 if failed else 0


def attempt(work: Callable, *arguments, **named):
    """What `work` returns, or the CodecError that it raises."""
    try:
        return work(*arguments, **named)
    except CodecError as problem:
        return problem


@contextlib.contextmanager
def refinement_bar(options: argparse.Namespace) -> Iterator[Callable | None]:
    """What `encode_picture` calls while it refines: a bar on stderr with loss, bpp and PSNR; None where none is wanted."""
    if options.refine is None or options.quiet or not sys.stderr.isatty():
        yield None
        return
    import tqdm

    with tqdm.tqdm(unit="step", file=sys.stderr, leave=False) as bar:

        def show(progress):
            done = progress.batch * progress.steps + progress.step
            bar.total = progress.batches * progress.steps
            seen = [seen if math.isinf(best.loss) else best for best, seen in zip(progress.best, progress.seen)]
            loss, bpp, psnr = (sum(values) / len(seen) for values in zip(*[(s.loss, s.bpp, s.psnr_db) for s in seen]))
            bar.set_postfix(loss=f"{loss:.4f}", bpp=f"{bpp:.4f}", psnr=f"{psnr:.2f}", refresh=False)
            bar.update(done - bar.n)

        yield show


def report(source: pathlib.Path, target: pathlib.Path, result: Result, seconds: float, as_json: bool) -> None:
    """Print what became of a file, as a line of text or of JSON."""
    if as_json:
        facts = {"input": str(source), "output": str(target), **result.facts, "seconds": round(seconds, 3)}
        print(json.dumps({**facts, "notes": result.notes}))
        return
    print(f"{source} -> {target}: {result.text}, {seconds:.2f} s")
    for note in result.notes:
        print(f"  note: {note}")


def complain(problem: CodecError | str, source: pathlib.Path | None = None) -> None:
    """Print one line on stderr, naming `source` unless the sentence does."""
    sentence = " ".join(str(problem).split())
    if source is not None and str(source) not in sentence:
        sentence = f"{source}: {sentence}"
    print(f"jaxcodec: error: {sentence}", file=sys.stderr)
