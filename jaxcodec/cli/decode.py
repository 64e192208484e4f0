"""jaxcodec decode: .jxc files to images."""

import argparse
import io
from collections.abc import Callable
from typing import TYPE_CHECKING

from jaxcodec import image
from jaxcodec.cli import arguments, console, jobs, picture_files
from jaxcodec.cli.jobs import Outcome, Result
from jaxcodec.cli.plan import Job, Kind, Plan, plan
from jaxcodec.cli.sizes import Sizes
from jaxcodec.errors import BitstreamError, ImageError
from jaxcodec.files import read_bytes
from jaxcodec.guard import attempt

if TYPE_CHECKING:  # it loads JAX
    from jaxcodec.codec import Codec


def add_arguments(command: argparse.ArgumentParser) -> None:
    """What `decode` takes."""
    arguments.add_files(
        command,
        ".jxc files, a folder of them, or - for standard input",
        "the image, a folder where there are several, or - for standard output",
        kept="a.jpg.jxc becomes a.jpg.png and not a.png",
        codec=None,
    )
    formats = sorted(suffix.removeprefix(".") for suffix in image.WRITE_SUFFIXES)
    command.add_argument(
        "--format",
        choices=formats,
        default="png",
        help="of images in a folder and on standard output (default: %(default)s)",
    )


def run(options: argparse.Namespace) -> int:
    """Decompress every input."""
    suffix = f".{options.format}"
    kind = Kind(
        what=f"{picture_files.SUFFIX} files",
        suffixes={picture_files.SUFFIX},
        output="an image",
        suffix=suffix,
        inner=image.READ_SUFFIXES,
    )
    with plan(options, kind) as todo:
        if not todo.jobs:
            return jobs.run(todo, lambda none: [], options)
        for job in todo.jobs:
            if job.target is not None and job.target.suffix.lower() not in image.WRITE_SUFFIXES:
                known = " ".join(image.WRITE_SUFFIXES)
                raise ImageError(
                    f"cannot tell the format of {job.target}; use one of the suffixes {known}"
                )
        if options.codec is not None:
            picture_files.check_codec(options)
        codec_of = picture_files.codec_finder(options)
        return jobs.run(todo, _worker(codec_of, todo, suffix, options), options)


def _worker(
    codec_of: "Callable[[bytes], Codec]", todo: Plan, suffix: str, options: argparse.Namespace
) -> Callable[[list[Job]], list[Outcome]]:
    """The function that makes the images of a few jobs."""
    sizes = Sizes()

    def restore(job: Job) -> Result:
        data = (
            console.read_input() if job.source is None else read_bytes(job.source, BitstreamError)
        )
        codec = codec_of(data)
        from jaxcodec.codec import decode_picture  # JAX, which a file without a codec does not need

        picture = decode_picture(codec, data, max_pixels=options.max_pixels)
        sizes.used(codec, *picture.pixels.shape[:2])
        file = io.BytesIO()
        file.name = job.target_name  # for errors
        notes = image.write(file, picture, suffix if job.target is None else job.target.suffix)
        todo.deliver(job, file.getbuffer())
        height, width, channels = picture.pixels.shape
        facts = {"width": width, "height": height, "channels": channels}
        return Result(facts, f"{width} x {height}, {channels} channels", picture.notes + notes)

    def work(some: list[Job]) -> list[Outcome]:
        return [attempt(restore, job) for job in some]

    return work
