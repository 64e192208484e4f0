"""The command line: encode, encode-set, decode, info, codecs, export, import.

Only encode, encode-set, decode, export and import load JAX, when they run: help, info and codecs answer at once.
"""

import argparse
import dataclasses
import json
import pathlib
import sys
import time
import warnings
from collections.abc import Callable

import jaxcodec
from jaxcodec import jobs
from jaxcodec.coding.container import CODERS
from jaxcodec.errors import BitstreamError, CodecError
from jaxcodec.files import MAX_PIXELS, read_bytes, write_atomic

_REFINED_TOGETHER = 16
"""Files that are held at a time where they are refined in batches."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command in `arguments` (default: the process's own) and return its exit status.

    0 when all went well, 2 after an error that the user can mend (one line on stderr for each), 130 after an interrupt.
    """
    options = _parser().parse_args(arguments)
    warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        return options.run(options)
    except CodecError as error:
        jobs.complain(error, getattr(options, "input", None))
        return 2
    except KeyboardInterrupt:
        print("jaxcodec: interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jaxcodec",
        description="Learned image compression.",
        epilog="example: jaxcodec encode photo.png photo.jxc --bpp 0.5; jaxcodec decode photo.jxc again.png",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"jaxcodec {jaxcodec.__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    encode = _add(commands, "encode", _encode, "compress images to .jxc files")
    _add_files(encode, "image files, or one folder of images", "the .jxc file, or a folder where there are several")
    rate = encode.add_mutually_exclusive_group()
    rate.add_argument("--bpp", type=float, metavar="R",
                      help="bits per pixel of the picture that the file fills and never exceeds")  # fmt: skip
    rate.add_argument("--max-bytes", type=int, metavar="B", help="size of the file that it fills and never exceeds")
    rate.add_argument("--psnr", type=float, metavar="P", help="PSNR in dB that the picture keeps, and hardly exceeds")
    rate.add_argument("--ms-ssim", type=float, metavar="M", help="MS-SSIM that the picture keeps, and hardly exceeds")
    rate.add_argument("--quality", type=float, metavar="Q", help="0 (smallest file) to 100 (closest picture)")
    encode.add_argument("--nearest", action="store_true",
                        help="where the codec cannot reach what was asked for, take the nearest")  # fmt: skip
    _add_refine(encode)
    _add_coder(encode)

    encode_set = _add(commands, "encode-set", _encode_set, "compress a folder of images in a budget for all together")
    _add_files(encode_set, "image files, or one folder of images", "the folder for the .jxc files")
    budget = encode_set.add_mutually_exclusive_group(required=True)
    budget.add_argument("--total-bytes", type=int, metavar="B", help="what all files together may weigh")
    budget.add_argument("--mean-bpp", type=float, metavar="R", help="the same in bits per pixel of all images")
    _add_refine(encode_set)
    _add_coder(encode_set)

    decode = _add(commands, "decode", _decode, "turn .jxc files back into images")
    _add_files(decode, ".jxc files, or one folder of them", "the image, or a folder where there are several (PNG)")

    info = _add(commands, "info", _info, "show what a .jxc file says about itself")
    info.add_argument("input", type=pathlib.Path, metavar="FILE")
    info.add_argument("--json", action="store_true", help="print JSON")

    codecs = _add(commands, "codecs", _codecs, "list the bundled codecs")
    codecs.add_argument("--json", action="store_true", help="print JSON")

    export = _add(commands, "export", _export, "turn a training checkpoint into a codec file")
    export.add_argument("workdir", type=pathlib.Path, metavar="WORKDIR", help="what train.py was given as --workdir")
    export.add_argument("output", type=pathlib.Path, metavar="OUT.codec")
    export.add_argument("--images", type=pathlib.Path, metavar="DIR",
                        help="photographs to calibrate on (default: some that the run trained on)")  # fmt: skip

    load = _add(commands, "import", _import, "turn a CompressAI checkpoint into a codec file")
    load.add_argument("checkpoint", type=pathlib.Path, metavar="CHECKPOINT", help="what torch.save wrote, .pth.tar say")
    load.add_argument("output", type=pathlib.Path, metavar="OUT.codec")
    load.add_argument("--images", type=pathlib.Path, required=True, metavar="DIR",
                      help="photographs to calibrate integer networks and to measure the rate on; eight are taken")  # fmt: skip
    load.add_argument("--name", help="what the codec is called (default: CompressAI's name of the architecture)")
    return parser


def _add(commands, name: str, run: Callable, purpose: str) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=purpose, description=purpose, allow_abbrev=False)
    command.set_defaults(run=run)
    return command


def _add_files(command: argparse.ArgumentParser, inputs: str, output: str) -> None:
    command.add_argument("inputs", type=pathlib.Path, nargs="+", metavar="IN", help=inputs)
    command.add_argument("output", type=pathlib.Path, metavar="OUT", help=output)
    command.add_argument("--codec", default="default", metavar="NAME|FILE", help="a bundled codec or a codec file")
    command.add_argument("--max-pixels", type=int, default=MAX_PIXELS, metavar="N",
                         help="refuse images of more pixels than this (default %(default)s)")  # fmt: skip
    command.add_argument("--no-compile-cache", action="store_true",
                         help="do not keep compiled programs in the user's cache folder")  # fmt: skip
    command.add_argument("--json", action="store_true", help="print one line of JSON for each file")
    command.add_argument("--quiet", action="store_true", help="print nothing but errors")


def _add_refine(command: argparse.ArgumentParser) -> None:
    command.add_argument("--refine", type=int, metavar="STEPS",
                         help="optimise the latents of each image for so many steps first; an interrupt ends that")  # fmt: skip


def _add_coder(command: argparse.ArgumentParser) -> None:
    command.add_argument("--coder", choices=CODERS,
                         help="entropy coder (default: host on a CPU, lanes elsewhere, and where a codec needs it)")  # fmt: skip


def _encode(options: argparse.Namespace) -> int:
    from jaxcodec import image
    from jaxcodec.rate.encode import encode_pictures

    pairs = jobs.plan(options, image.list_images, jobs.SUFFIX)
    codec = _load(options)
    wanted = {name: getattr(options, name) for name in ("quality", "bpp", "max_bytes", "psnr", "ms_ssim")}

    def compress(sources: list[pathlib.Path], targets: list[pathlib.Path]) -> list[jobs.Outcome]:
        pictures = [jobs.attempt(image.read, source, max_pixels=options.max_pixels) for source in sources]
        readable = [picture for picture in pictures if not isinstance(picture, CodecError)]
        with jobs.refinement_bar(options) as progress:
            encoded = iter(encode_pictures(
                codec, readable, **wanted, refine=options.refine, progress=progress, nearest=options.nearest,
                coder=options.coder,
            ))  # fmt: skip
        files = [picture if isinstance(picture, CodecError) else next(encoded) for picture in pictures]
        return [jobs.attempt(keep, *each) for each in zip(pictures, files, targets, strict=True)]

    def keep(picture, file, target: pathlib.Path) -> jobs.Result:
        if isinstance(file, CodecError):
            raise file
        write_atomic(target, file.data)
        return _encoded_result(file, picture.notes)

    return jobs.run(pairs, compress, options, together=1 if options.refine is None else _REFINED_TOGETHER)


def _encoded_result(encoded, notes: tuple[str, ...]) -> jobs.Result:
    facts = {"bytes": len(encoded.data), "bpp": encoded.bpp, "quality": encoded.quality, "step": encoded.step}
    text = f"{len(encoded.data):,} bytes, {encoded.bpp:.4f} bpp"
    if encoded.quality is not None:
        text += f", quality {encoded.quality:g}"
    if encoded.step != 1:
        text += f", step {encoded.step:.4g}"
    notes += encoded.notes
    if encoded.interrupted:
        notes += ("its refinement was interrupted",)
    return jobs.Result(facts, text, notes, encoded.interrupted)


def _encode_set(options: argparse.Namespace) -> int:
    import tqdm

    from jaxcodec import image
    from jaxcodec.rate import image_set

    pairs = jobs.plan(options, image.list_images, jobs.SUFFIX, many=True)
    codec = _load(options)
    start = time.perf_counter()
    pictures = [image.read(source, max_pixels=options.max_pixels) for source, _ in pairs]
    hidden = options.quiet or not sys.stderr.isatty()
    with (
        tqdm.tqdm(total=image_set.steps(len(pictures)), disable=hidden, unit="file", file=sys.stderr) as bar,
        jobs.refinement_bar(options) as looked,
    ):
        done = image_set.encode_set(
            codec,
            pictures,
            total_bytes=options.total_bytes,
            mean_bpp=options.mean_bpp,
            refine=options.refine,
            coder=options.coder,
            progress=bar.update,
            looked=looked,
        )
    seconds = (time.perf_counter() - start) / len(pictures)
    for (source, target), picture, member in zip(pairs, pictures, done.members, strict=True):
        write_atomic(target, member.encoded.data)
        if not options.quiet:
            jobs.report(source, target, _encoded_result(member.encoded, picture.notes), seconds, options.json)
    if not options.quiet:
        _report_set(done, options.json)
    return 0


def _report_set(done, as_json: bool) -> None:
    """Prints what became of a set as a whole, beside the same rate for all."""
    bpp = 8 * done.total_bytes / sum(done.pixels)
    facts = {"total_bytes": done.total_bytes, "bpp": bpp, "mse_255": done.mse_255}
    facts |= {"same_rate_mse_255": done.same_rate_mse_255}
    if as_json:
        print(json.dumps(facts))
        return
    other = "which some image cannot have" if done.same_rate is None else f"{done.same_rate_mse_255:.3f}"
    print(f"{len(done.members)} files: {done.total_bytes:,} bytes, {bpp:.4f} bpp")
    print(f"mean squared error {done.mse_255:.3f}; at the same rate for all, {other}")


def _decode(options: argparse.Namespace) -> int:
    from jaxcodec import image
    from jaxcodec.codec import decode_picture

    pairs = jobs.plan(options, jobs.list_compressed, ".png")
    codec = _load(options)

    def restore(source: pathlib.Path, target: pathlib.Path) -> jobs.Result:
        data = read_bytes(source, BitstreamError)
        picture = decode_picture(codec, data, max_pixels=options.max_pixels)
        image.write(target, picture)
        height, width, channels = picture.pixels.shape
        facts = {"width": width, "height": height, "channels": channels}
        return jobs.Result(facts, f"{width} x {height}, {channels} channels", picture.notes)

    def restore_each(sources: list[pathlib.Path], targets: list[pathlib.Path]) -> list[jobs.Outcome]:
        return [jobs.attempt(restore, *pair) for pair in zip(sources, targets, strict=True)]

    return jobs.run(pairs, restore_each, options)


def _info(options: argparse.Namespace) -> int:
    data = read_bytes(options.input, BitstreamError)
    header = jaxcodec.read_header(data).as_dict()
    fields = {"bytes": len(data), "bpp": len(data) * 8 / (header["width"] * header["height"]), **header}
    if options.json:
        print(json.dumps(fields))
        return 0
    for name, value in fields.items():
        if isinstance(value, dict):
            value = ", ".join(f"{part} {size}" for part, size in value.items())
        print(f"{name:<{max(map(len, fields))}}  {value}")
    return 0


def _codecs(options: argparse.Namespace) -> int:
    from jaxcodec import bundled

    infos = bundled.available()
    if options.json:
        print(json.dumps([dataclasses.asdict(info) for info in infos], default=str))
        return 0
    for info in infos:
        low, high = info.bpp_range
        print(f"{info.name:<12} {low:.2f} to {high:.2f} bpp  {info.size_bytes / 1e6:.1f} MB  {info.id}  {info.description}")
    return 0


def _export(options: argparse.Namespace) -> int:
    from jaxcodec.training.export import export

    content = export(options.workdir, options.output, options.images)
    size, (low, high) = options.output.stat().st_size, content.bpp_range
    print(f"{options.workdir} -> {options.output}: {size:,} bytes, id {content.id}, {low:.2f} to {high:.2f} bpp")
    return 0


def _import(options: argparse.Namespace) -> int:
    from jaxcodec.importing.codec import import_codec

    content = import_codec(options.checkpoint, options.images, options.output, name=options.name)
    size = options.output.stat().st_size
    print(f"{options.checkpoint} -> {options.output}: {size:,} bytes, id {content.id}, {content.bpp_range[0]:.2f} bpp")
    print(f"  {content.summary}")
    return 0


def _load(options: argparse.Namespace):
    from jaxcodec import compile_cache

    if not options.no_compile_cache:
        compile_cache.enable()
    return jaxcodec.load(options.codec)
