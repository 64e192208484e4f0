"""Measures codecs: python -m jaxcodec.evaluate --codec NAME|FILE ... --images DIR --out DIR
[--baselines jpeg,webp,...].
"""

import argparse
import os
import pathlib
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from jaxcodec import guard
from jaxcodec.errors import CodecError
from jaxcodec.targets.effort import DEFAULT, LEVELS


class _Parser(argparse.ArgumentParser):
    """One that reports a wrong flag in one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}; see --help\n")


def _checked(check: str) -> Callable[[str], tuple[float, ...]]:
    """Reads numbers between commas and lets a function of `evaluation.coder` check them, before
    JAX is loaded.
    """

    def numbers(text: str) -> tuple[float, ...]:
        from jaxcodec.evaluation import coder

        try:
            return getattr(coder, check)([float(number) for number in text.split(",") if number])
        except (CodecError, ValueError) as problem:
            raise argparse.ArgumentTypeError(str(problem)) from problem

    return numbers


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _at_least(minimum: int, maximum: int | None = None) -> Callable[[str], int]:
    def count(text: str) -> int:
        if (number := int(text)) < minimum:
            raise argparse.ArgumentTypeError(f"{number} is below {minimum}")
        if maximum is not None and number > maximum:
            raise argparse.ArgumentTypeError(f"{number} is above {maximum}")
        return number

    return count


def _parser(program: str) -> argparse.ArgumentParser:
    parser = _Parser(
        prog=program, description="Measure codecs on a folder of pictures.", allow_abbrev=False
    )
    parser.add_argument(
        "--codec",
        nargs="+",
        action="extend",
        default=[],
        metavar="[LABEL=]CODEC[,CODEC...]",
        help="name or file of a codec; several of one quality each, under a label, make one curve",
    )
    parser.add_argument(
        "--images", required=True, type=pathlib.Path, metavar="DIR", help="the pictures"
    )
    parser.add_argument(
        "--out", required=True, type=pathlib.Path, metavar="DIR", help="where to write the results"
    )
    parser.add_argument(
        "--baselines",
        type=_names,
        default=["jpeg", "webp"],
        metavar="A,B",
        help="of jpeg, webp, avif, jpeg2000, avif_default, jpegxl; a setting goes behind @, as in "
        "avif@speed=0 or jpegxl@effort=9; default: jpeg,webp",
    )
    parser.add_argument(
        "--metrics",
        type=_names,
        metavar="A,B",
        help="of psnr (always), ms_ssim, ssim, ssimulacra2, nlpd_2017, nlpd_2016, lpips_alex and "
        "lpips_squeeze (need --lpips), butteraugli (needs butteraugli_main of libjxl), cvvdp "
        "(needs the package of that name); default: the first four",
    )
    parser.add_argument(
        "--lpips",
        metavar="DIR",
        help="the weights of LPIPS (default: the environment's JAXCODEC_LPIPS)",
    )
    parser.add_argument(
        "--published", type=pathlib.Path, metavar="FILE", help="published curves, JSON"
    )
    parser.add_argument(
        "--draw",
        nargs="+",
        action="extend",
        metavar="NAME",
        help="the published curves to draw in the plots",
    )
    _add_points(parser)
    _add_amounts(parser)
    parser.add_argument("--no-compile-cache", action="store_true", help="keep no compiled programs")
    parser.add_argument(
        "--allow-import",
        nargs="+",
        action="extend",
        default=[],
        metavar="MODULE",
        help="let the networks of codecs come from these Python modules, which you trust",
    )
    return parser


def _add_points(parser: argparse.ArgumentParser) -> None:
    """Where codecs are measured."""
    points = parser.add_mutually_exclusive_group()
    points.add_argument(
        "--qualities",
        type=_checked("check_qualities"),
        metavar="Q,Q",
        help="0 to 100; default: nine, evenly spread",
    )
    points.add_argument(
        "--bpp",
        type=_checked("check_rates"),
        metavar="R,R",
        help="rates to ask for instead of qualities",
    )


def _add_amounts(parser: argparse.ArgumentParser) -> None:
    """How much is done, and how much of it together."""
    parser.add_argument(
        "--effort",
        nargs="+",
        action="extend",
        type=_at_least(0, len(LEVELS) - 1),
        default=[],
        metavar="E",
        help=f"the levels of effort at which codecs are measured, 0 to 9 (default: {DEFAULT})",
    )
    parser.add_argument(
        "--refine",
        nargs="+",
        action="extend",
        type=_at_least(1),
        default=[],
        metavar="STEPS",
        help="measure each codec with its latents refined for so many steps, too",
    )
    parser.add_argument(
        "--workers",
        type=_at_least(1),
        default=1,
        metavar="N",
        help="pictures that baselines code at a time",
    )
    parser.add_argument(
        "--examples",
        type=_at_least(0),
        default=3,
        metavar="N",
        help="pictures to show in the report",
    )


def main(arguments: Sequence[str] | None = None, program: str = "eval.py") -> int:
    """Evaluates as `arguments` say (default: those of the process), and returns the exit status.

    0 when all went well; 2 after an error that the user can mend, one sentence on stderr, or where
    pictures were left out; 130 after an interrupt, from which the same command goes on.
    """
    options = _parser(program).parse_args(arguments)
    try:
        status = guard.attempt(_evaluate, options, program)
        if not isinstance(status, CodecError):
            return status
        print(f"{program}: error: {status}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 141
    except KeyboardInterrupt:
        print(f"{program}: interrupted; the same command goes on where it was", file=sys.stderr)
        return 130


def _evaluate(options: argparse.Namespace, program: str) -> int:
    from jaxcodec.evaluation import classical

    baselines = classical.baselines(list(dict.fromkeys(options.baselines)))
    if not options.images.exists():
        raise CodecError(f"there is no folder {options.images}; give one of pictures by --images")

    from jaxcodec import extensions
    from jaxcodec.distortions import lpips
    from jaxcodec.evaluation import comparison, curves, learned, metrics
    from jaxcodec.runtime import compile_cache

    if options.lpips:
        os.environ[lpips.FOLDER] = options.lpips
    measured = metrics.choose(options.metrics)
    published = curves.read_published(options.published) if options.published else ()
    if not options.no_compile_cache:
        compile_cache.enable()
    extensions.allow_imports(*options.allow_import)
    codecs = [
        learned.from_spec(spec, qualities=options.qualities, bpps=options.bpp)
        for spec in options.codec
    ]
    levels = dict.fromkeys(options.effort)
    tried = [learned.at_effort(coder, level) for level in levels for coder in codecs] or codecs
    refined = [
        learned.refined(coder, steps) for steps in dict.fromkeys(options.refine) for coder in codecs
    ]
    evaluation = comparison.run(
        [*tried, *refined],
        baselines,
        options.images,
        options.out,
        metrics=measured,
        published=published,
        drawn=options.draw,
        workers=options.workers,
        example_count=options.examples,
    )
    for warning in evaluation.warnings():
        print(f"{program}: warning: {warning}", file=sys.stderr)
    print(f"wrote {options.out / 'report.html'}")
    return 2 if evaluation.left_out else 0


if __name__ == "__main__":
    sys.exit(main(program=os.path.basename(sys.argv[0])))
