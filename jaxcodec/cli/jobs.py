"""Many files through one command: what is said of each, and what a bad one does."""

import argparse
import contextlib
import dataclasses
import json
import math
import sys
import time
from collections.abc import Callable, Iterator

from jaxcodec.cli import console, interrupts
from jaxcodec.cli.inputs import plural
from jaxcodec.cli.plan import Job, Plan
from jaxcodec.errors import CodecError
from jaxcodec.targets import effort


@dataclasses.dataclass(frozen=True)
class Result:
    """The result of one file.

    Facts for --json, the same as text, notes for the user, and whether an interrupt cut it short.
    """

    facts: dict[str, float | str | None]
    text: str
    notes: tuple[str, ...] = ()
    interrupted: bool = False


Outcome = Result | CodecError
"""What became of one file, or why nothing."""


def run(
    plan: Plan,
    work: Callable[[list[Job]], list[Outcome]],
    options: argparse.Namespace,
    together: int = 1,
) -> int:
    """Do `work` for so many jobs at a time, and return the exit status.

    Where there are several jobs, a bad one is named and the others go on. An interrupt that `work`
    made the best of ends the command before the next jobs.
    """
    import tqdm

    start_report(plan, options)
    hidden = options.quiet or len(plan.jobs) < 2 or not shows_bars()
    failed, stopped = len(plan.problems), False
    with tqdm.tqdm(total=len(plan.jobs), disable=hidden, unit="file", file=sys.stderr) as bar:
        for first in range(0, len(plan.jobs), together):
            interrupts.check()
            if stopped:
                raise KeyboardInterrupt
            jobs = plan.jobs[first : first + together]
            start = time.perf_counter()
            outcomes = work(jobs)
            seconds = (time.perf_counter() - start) / len(jobs)
            for job, outcome in zip(jobs, outcomes, strict=True):
                bar.update()
                with tqdm.tqdm.external_write_mode():
                    failed += isinstance(outcome, CodecError)
                    stopped |= isinstance(outcome, Result) and outcome.interrupted
                    report(plan, job, outcome, seconds, options)
    return finish(plan, failed)


def start_report(plan: Plan, options: argparse.Namespace) -> None:
    """Report everything that will not be done.

    These are inputs that cannot be read, those ignored, and outputs that are there already.
    """
    for name, problem in plan.problems:
        console.complain(problem, name)
    if options.quiet:
        return
    skipped = (
        [f"skipped {plural(plan.skipped, 'file')} whose output exists"] if plan.skipped else []
    )
    for sentence in [*plan.remarks, *skipped]:
        console.say(f"jaxcodec: {sentence}", to_errors=True)


def finish(plan: Plan, failed: int) -> int:
    """The exit status, and how many files failed where there were several."""
    several = len(plan.jobs) + len(plan.problems)
    if failed and several > 1:
        console.complain(f"{failed:,} of {several:,} files failed")
    return 2 if failed else 0


def report(
    plan: Plan, job: Job, outcome: Outcome, seconds: float, options: argparse.Namespace
) -> None:
    """Print the result of a file, as a line of text or of JSON.

    It goes to the stream that no output uses. An error goes to stderr.
    """
    if isinstance(outcome, CodecError):
        console.complain(outcome, job.source_name)
        return
    if options.quiet:
        return
    if options.json:
        facts = {
            "input": job.source_name,
            "output": job.target_name,
            **outcome.facts,
            "seconds": round(seconds, 3),
        }
        lines = [json.dumps({**facts, "notes": outcome.notes})]
    else:
        lines = [f"{job.source_name} -> {job.target_name}: {outcome.text}, {seconds:.2f} s"]
        lines += [f"  note: {note}" for note in outcome.notes]
    for line in lines:
        console.say(line, to_errors=plan.to_standard_output)


@contextlib.contextmanager
def refinement_bar(options: argparse.Namespace) -> Iterator[Callable]:
    """The progress callback of `encode_picture` while it refines.

    It heeds interrupts, and shows a bar on stderr with loss, bpp and PSNR.
    """
    refines = effort.chosen(options.effort, options.refine).steps is not None
    if not refines or options.quiet or not shows_bars():
        yield lambda progress: interrupts.check()
        return
    import tqdm

    with tqdm.tqdm(unit="step", file=sys.stderr, leave=False) as bar:

        def show(progress):
            interrupts.check()
            done = progress.batch * progress.steps + progress.step
            bar.total = progress.batches * progress.steps
            scores = [
                current if math.isinf(best.loss) else best
                for best, current in zip(progress.best, progress.current, strict=True)
            ]
            loss, bpp, psnr = (
                sum(values) / len(scores)
                for values in zip(*[(s.loss, s.bpp, s.psnr_db) for s in scores], strict=True)
            )
            bar.set_postfix(loss=f"{loss:.4f}", bpp=f"{bpp:.4f}", psnr=f"{psnr:.2f}", refresh=False)
            bar.update(done - bar.n)

        yield show


def shows_bars() -> bool:
    """Whether standard error is a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()
