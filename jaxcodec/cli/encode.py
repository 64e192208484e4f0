"""jaxcodec encode: images to .jxc files."""

import argparse

from jaxcodec.cli import arguments, jobs, picture_files
from jaxcodec.cli.jobs import Outcome, Result
from jaxcodec.cli.plan import Job, Plan, plan
from jaxcodec.cli.sizes import Sizes
from jaxcodec.errors import CodecError
from jaxcodec.guard import attempt
from jaxcodec.targets import effort

_REFINED_TOGETHER = 16
"""Files that are held at a time where they are refined in batches."""

_TARGETS = ("quality", "bpp", "max_bytes", "psnr", "ms_ssim")  # of which at most one is given


def add_arguments(command: argparse.ArgumentParser) -> None:
    """What `encode` takes."""
    arguments.add_files(
        command,
        "image files, a folder of images, or - for standard input",
        "the .jxc file, a folder where there are several, or - for standard output",
    )
    rate = command.add_mutually_exclusive_group()
    rate.add_argument(
        "--bpp",
        type=arguments.BPP,
        metavar="R",
        help="bits per pixel of the picture that the file fills and never exceeds",
    )
    rate.add_argument(
        "--max-bytes",
        type=arguments.BYTES,
        metavar="B",
        help="size of the file that it fills and never exceeds",
    )
    rate.add_argument(
        "--psnr",
        type=arguments.PSNR,
        metavar="P",
        help="PSNR in dB that the picture keeps, and hardly exceeds",
    )
    rate.add_argument(
        "--ms-ssim",
        type=arguments.MS_SSIM,
        metavar="M",
        help="MS-SSIM that the picture keeps, and hardly exceeds",
    )
    rate.add_argument(
        "--quality",
        type=arguments.QUALITY,
        metavar="Q",
        help="0 (smallest file) to 100 (closest picture); 50 where nothing is asked for",
    )
    command.add_argument(
        "--nearest",
        action="store_true",
        help="where the codec cannot reach what was asked for, take the nearest",
    )
    command.add_argument(
        "--distortion",
        default="mse",
        metavar="NAME",
        help="what refinement weighs against bits, mse_ms_ssim say (default: mse)",
    )
    arguments.add_encoding(command)


def run(options: argparse.Namespace) -> int:
    """Compress every input by itself."""
    with plan(options, picture_files.ENCODING) as todo:
        if not todo.jobs:
            return jobs.run(todo, lambda none: [], options)
        picture_files.check_codec(options)
        work = _worker(picture_files.load_codec(options), todo, options)
        refines = effort.chosen(options.effort, options.refine).steps is not None
        return jobs.run(todo, work, options, together=_REFINED_TOGETHER if refines else 1)


def _worker(codec, todo: Plan, options: argparse.Namespace):
    """The function that makes the files of a few jobs together."""
    from jaxcodec.targets.encode import encode_pictures
    from jaxcodec.targets.target import from_keywords

    target = from_keywords({name: getattr(options, name) for name in _TARGETS})
    passed_on = ("effort", "refine", "distortion", "nearest", "coder", "keep_hidden_colour")
    settings = {name: getattr(options, name) for name in passed_on}
    sizes = Sizes()

    def compress(read: list) -> list:
        for picture in read:
            sizes.used(codec, *picture.pixels.shape[:2])
        with jobs.refinement_bar(options) as progress:
            return encode_pictures(codec, read, target, **settings, progress=progress)

    def keep(job: Job, picture, encoded) -> Result:
        for problem in (picture, encoded):
            if isinstance(problem, CodecError):
                raise problem
        todo.deliver(job, encoded.data)
        return picture_files.result(encoded, options, picture.notes)

    def work(some: list[Job]) -> list[Outcome]:
        given = [attempt(picture_files.read, job, options) for job in some]
        done = iter(
            _each(compress, [picture for picture in given if not isinstance(picture, CodecError)])
        )
        files = [picture if isinstance(picture, CodecError) else next(done) for picture in given]
        return [attempt(keep, *each) for each in zip(some, given, files, strict=True)]

    return work


def _each(compress, read: list) -> list:
    """The results of `compress` for pictures together, or one by one where that fails.

    So the bad one is known.
    """
    together = attempt(compress, read)
    if not isinstance(together, CodecError):
        return together
    if len(read) == 1:
        return [together]
    alone = [attempt(compress, [picture]) for picture in read]
    return [problem if isinstance(problem, CodecError) else problem[0] for problem in alone]
