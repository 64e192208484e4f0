"""jaxcodec export: from a training run to a codec file."""

import argparse

from jaxcodec.cli import arguments, codec_output, console


def add_arguments(command: argparse.ArgumentParser) -> None:
    """What `export` takes."""
    command.add_argument(
        "workdir",
        type=arguments.path,
        metavar="WORKDIR",
        help="what train.py was given as --workdir",
    )
    arguments.add_output_file(command)
    arguments.add_allow_import(command)
    command.add_argument(
        "--images",
        type=arguments.path,
        metavar="DIR",
        help="photographs to calibrate on (default: some that the run trained on)",
    )
    command.add_argument(
        "--tables",
        choices=("fitted", "gaussian"),
        default="fitted",
        help="probabilities: fitted to those photographs, or of Gaussians (default: fitted)",
    )


def run(options: argparse.Namespace) -> int:
    """Write the newest checkpoint of a run as a codec file."""
    codec_output.check(options.output, [options.workdir], options.force)
    from jaxcodec.training.run_export import export

    content = export(
        options.workdir,
        options.output,
        options.images,
        overwrite=options.force,
        allow=options.allow_import,
        tables=options.tables,
    )
    size, (low, high) = options.output.stat().st_size, content.bpp_range
    console.say(
        f"{options.workdir} -> {options.output}: {size:,} bytes, id {content.id}, {low:.2f} to "
        f"{high:.2f} bpp"
    )
    if options.images is not None and content.spec == "null":
        console.say("  nothing is calibrated in this kind of codec: --images was not needed")
    return 0
