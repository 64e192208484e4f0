"""jaxcodec import: from another toolkit's checkpoint to a codec file."""

import argparse

from jaxcodec.cli import arguments, codec_output, console


def add_arguments(command: argparse.ArgumentParser) -> None:
    """What `import` takes."""
    command.add_argument(
        "checkpoint",
        type=arguments.path,
        metavar="CHECKPOINT",
        help="what torch.save wrote (.pth.tar, .pt, .ckpt), or a .safetensors file",
    )
    arguments.add_output_file(command)
    command.add_argument(
        "--images",
        type=arguments.path,
        required=True,
        metavar="DIR",
        help="photographs to calibrate integer networks and to measure the rate on; eight are taken",  # noqa: E501
    )
    command.add_argument(
        "--name", help="what the codec is called (default: CompressAI's name of the architecture)"
    )


def run(options: argparse.Namespace) -> int:
    """Write the model of a checkpoint as a codec file."""
    codec_output.check(options.output, [options.checkpoint], options.force)
    from jaxcodec.importing.codec import import_codec

    content = import_codec(
        options.checkpoint,
        options.images,
        options.output,
        name=options.name,
        overwrite=options.force,
    )
    size, (rate, _) = options.output.stat().st_size, content.bpp_range
    console.say(
        f"{options.checkpoint} -> {options.output}: {size:,} bytes, id {content.id}, {rate:.2f} bpp"
    )
    console.say(f"  {content.summary}")
    return 0
