"""Measures codecs: python eval.py --codec NAME|FILE ... --images DIR --out DIR [--baselines jpeg,webp,...]."""

import argparse
import pathlib
import sys
from collections.abc import Callable


def _numbers(text: str) -> list[float]:
    return [float(number) for number in text.split(",")]


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _at_least(minimum: int) -> Callable[[str], int]:
    def count(text: str) -> int:
        if (number := int(text)) < minimum:
            raise argparse.ArgumentTypeError(f"{number} is below {minimum}")
        return number

    return count


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="eval.py", description="Measure codecs on a folder of pictures.")
    parser.add_argument(
        "--codec",
        nargs="+",
        default=[],
        metavar="[LABEL=]CODEC[,CODEC...]",
        help="name or file of a codec; several of one quality each, under a label, make one curve",
    )
    parser.add_argument("--images", required=True, type=pathlib.Path, metavar="DIR", help="the pictures")
    parser.add_argument("--out", required=True, type=pathlib.Path, metavar="DIR", help="where to write the results")
    parser.add_argument("--baselines", type=_names, default=["jpeg", "webp"], metavar="A,B", help="default: jpeg,webp")
    parser.add_argument("--published", type=pathlib.Path, metavar="FILE", help="published curves, JSON")
    parser.add_argument("--draw", nargs="+", metavar="NAME", help="the published curves to draw in the plots")
    points = parser.add_mutually_exclusive_group()
    points.add_argument("--qualities", type=_numbers, metavar="Q,Q", help="0 to 100; default: nine, evenly spread")
    points.add_argument("--bpp", type=_numbers, metavar="R,R", help="rates to ask for instead of qualities")
    parser.add_argument(
        "--refine",
        nargs="+",
        type=_at_least(1),
        default=[],
        metavar="STEPS",
        help="measure each codec with its latents refined for so many steps, too",
    )
    parser.add_argument(
        "--workers", type=_at_least(1), default=1, metavar="N", help="pictures that baselines code at a time"
    )
    parser.add_argument("--examples", type=_at_least(0), default=3, metavar="N", help="pictures to show in the report")
    parser.add_argument("--no-compile-cache", action="store_true", help="keep no compiled programs")
    return parser


def main() -> int:
    """Parses flags and evaluates; an error that a user can meet becomes one sentence and exit status 2."""
    options = _parser().parse_args()
    from jaxcodec import compile_cache
    from jaxcodec.errors import CodecError
    from jaxcodec.evaluation import classical, curves, evaluate, learned

    if not options.no_compile_cache:
        compile_cache.enable()
    try:
        plain = [learned.from_spec(spec, qualities=options.qualities, bpps=options.bpp) for spec in options.codec]
        evaluate.run(
            [*plain, *(learned.refined(coder, steps) for steps in options.refine for coder in plain)],
            classical.baselines(options.baselines),
            options.images,
            options.out,
            published=curves.read_published(options.published) if options.published else (),
            drawn=options.draw,
            workers=options.workers,
            example_count=options.examples,
        )
    except CodecError as error:
        print(f"eval.py: error: {error}", file=sys.stderr)
        return 2
    print(f"wrote {options.out / 'report.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
