"""jaxcodec encode-set: images to .jxc files in a budget for all together."""

import argparse
import json
import sys
import time
from collections.abc import Sequence

from jaxcodec.cli import arguments, console, interrupts, jobs, picture_files
from jaxcodec.cli.plan import Job, Plan, plan
from jaxcodec.cli.sizes import Sizes
from jaxcodec.errors import CodecError
from jaxcodec.guard import attempt


def add_arguments(command: argparse.ArgumentParser) -> None:
    """What `encode-set` takes."""
    arguments.add_files(
        command, "image files, or folders of images", "the folder for the .jxc files"
    )
    budget = command.add_mutually_exclusive_group(required=True)
    budget.add_argument(
        "--total-bytes", type=arguments.BYTES, metavar="B", help="what all files together may weigh"
    )
    budget.add_argument(
        "--mean-bpp",
        type=arguments.BPP,
        metavar="R",
        help="the same in bits per pixel of all images",
    )
    arguments.add_encoding(command)


def run(options: argparse.Namespace) -> int:
    """Compress all inputs within one budget."""
    if console.is_standard_output(options.output):
        raise CodecError(
            "a set needs a folder for its files, and not standard output; give one as the last name"
        )
    with plan(options, picture_files.ENCODING, many=True) as todo:
        if not todo.jobs:
            return jobs.run(todo, lambda none: [], options)
        picture_files.check_codec(options)
        return _encode(picture_files.load_codec(options), todo, options)


class _Pictures(Sequence):
    """The pictures of jobs, each read when it is needed.

    So a large set is not held in memory.
    """

    def __init__(self, todo: Sequence[Job], codec, options: argparse.Namespace):
        self._todo, self._codec, self._options = todo, codec, options
        self._sizes = Sizes()

    def __len__(self):
        return len(self._todo)

    def __getitem__(self, place: int):
        interrupts.check()
        picture = picture_files.read(self._todo[place], self._options)
        self._sizes.used(self._codec, *picture.pixels.shape[:2])
        return picture


def _encode(codec, todo: Plan, options: argparse.Namespace) -> int:
    import tqdm

    from jaxcodec.collections import image_set

    jobs.start_report(todo, options)
    start = time.perf_counter()
    hidden = options.quiet or not jobs.shows_bars()
    with (
        tqdm.tqdm(
            total=image_set.steps(len(todo.jobs)), disable=hidden, unit="file", file=sys.stderr
        ) as bar,
        jobs.refinement_bar(options) as refine_progress,
    ):
        done = image_set.encode_set(
            codec,
            _Pictures(todo.jobs, codec, options),
            total_bytes=options.total_bytes,
            mean_bpp=options.mean_bpp,
            effort=options.effort,
            refine=options.refine,
            coder=options.coder,
            keep_hidden_colour=options.keep_hidden_colour,
            progress=bar.update,
            refine_progress=refine_progress,
        )
    interrupted = any(not isinstance(m, CodecError) and m.encoded.interrupted for m in done.members)
    seconds = (time.perf_counter() - start) / len(todo.jobs)
    failed = len(todo.problems)
    for job, member in zip(todo.jobs, done.members, strict=True):
        outcome = attempt(_keep, todo, job, member, options)
        failed += isinstance(outcome, CodecError)
        jobs.report(todo, job, outcome, seconds, options)
    if interrupted:
        raise KeyboardInterrupt
    if done.count and not options.quiet:
        _report_set(done, options.json)
    return jobs.finish(todo, failed)


def _keep(todo: Plan, job: Job, member, options: argparse.Namespace) -> jobs.Result:
    if isinstance(member, CodecError):
        raise member
    todo.deliver(job, member.encoded.data)
    return picture_files.result(member.encoded, options, member.notes)


def _report_set(done, as_json: bool) -> None:
    """Prints what became of a set as a whole, beside the same rate for all."""
    bpp = 8 * done.total_bytes / sum(done.pixels)
    facts = {"total_bytes": done.total_bytes, "bpp": bpp, "mse_255": done.distance}
    facts |= {"same_rate_mse_255": done.same_rate_distance}
    if as_json:
        console.say(json.dumps(facts))
        return
    other = (
        "which some image cannot have"
        if done.same_rate is None
        else f"{done.same_rate_distance:.3f}"
    )
    console.say(f"{done.count:,} files: {done.total_bytes:,} bytes, {bpp:.4f} bpp")
    console.say(f"mean squared error {done.distance:.3f}; at the same rate for all, {other}")
