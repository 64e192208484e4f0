"""Files that one kind of device writes, decoded on another: the symbols must be the same, bit for
bit.

    python tools/cross_device.py --images DIR [--codec FILE ...] [--devices cpu cuda]

Each device, a process of its own, encodes every picture with every coder at three qualities, and
writes the checksum of the symbols into each file, as always. Then each device decodes all files of
the other. A checksum that differs raises; those are the mismatches, and there must be none. Pixels
come from float networks and may differ by a level or two; the largest difference is printed too.
With one device named twice the script tests itself: `--devices cpu cpu`.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

QUALITIES = (10.0, 50.0, 90.0)


def encode_all(codec_paths: list[str], images: list[pathlib.Path], folder: pathlib.Path) -> None:
    """Writes codec_coder_quality_picture.jxc, and beside it the pixels that this device decodes it
    to.
    """
    import jaxcodec
    from jaxcodec import image

    for number, path in enumerate(codec_paths):
        codec = jaxcodec.load(path)
        for source in images:
            picture = image.read(source).pixels
            for coder in ("lanes",) if codec.order.sequential else ("host", "lanes"):
                for quality in QUALITIES if codec.variable else (None,):
                    data = jaxcodec.encode(codec, picture, quality=quality, coder=coder)
                    target = folder / f"{number}_{coder}_{quality}_{source.stem}"
                    target.with_suffix(".jxc").write_bytes(data)
                    np.save(target.with_suffix(".npy"), jaxcodec.decode(codec, data))


def decode_all(codec_paths: list[str], folder: pathlib.Path) -> dict:
    """Decodes what another device wrote: files, mismatches, and the largest difference of a
    pixel.
    """
    import jaxcodec
    from jaxcodec.errors import BitstreamError

    codecs = [jaxcodec.load(path) for path in codec_paths]
    files, mismatches, largest = 0, 0, 0
    for source in sorted(folder.glob("*.jxc")):
        files += 1
        try:
            pixels = jaxcodec.decode(codecs[int(source.name.split("_")[0])], source.read_bytes())
        except BitstreamError as problem:
            mismatches += 1
            print(f"{source.name}: {problem}", file=sys.stderr)
            continue
        largest = max(
            largest, int(np.abs(pixels.astype(int) - np.load(source.with_suffix(".npy"))).max())
        )
    return {"files": files, "mismatches": mismatches, "largest_pixel_difference": largest}


def on(device: str, task: str, folder: pathlib.Path, arguments: argparse.Namespace) -> dict:
    """What a process on a device tells of a task."""
    command = [sys.executable, __file__, "--images", arguments.images, "--codec", *arguments.codec]
    told = subprocess.run(
        [*command, "--task", task, "--folder", str(folder)],
        env=os.environ | {"JAX_PLATFORMS": device},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    return json.loads(told.splitlines()[-1])


def main() -> None:
    """Runs the exchange, or one side of it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", required=True, help="a folder of pictures")
    parser.add_argument("--codec", nargs="+", default=["default"], help="codecs, by name or file")
    parser.add_argument(
        "--devices", nargs=2, default=["cpu", "cuda"], help="two JAX platforms (default cpu cuda)"
    )
    parser.add_argument("--task", choices=("encode", "decode"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=pathlib.Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.task:
        import jax

        from jaxcodec import image

        told = {"device": jax.devices()[0].device_kind}
        if arguments.task == "encode":
            encode_all(
                arguments.codec, image.list_images(pathlib.Path(arguments.images)), arguments.folder
            )
        else:
            told |= decode_all(arguments.codec, arguments.folder)
        print(json.dumps(told))
        return
    for first, second in (arguments.devices, arguments.devices[::-1]):
        with tempfile.TemporaryDirectory() as folder:
            wrote = on(first, "encode", pathlib.Path(folder), arguments)
            read = on(second, "decode", pathlib.Path(folder), arguments)
        print(
            f"{wrote['device']} -> {read['device']}: {read['files']} files, {read['mismatches']} "
            "mismatches, "
            f"largest difference of a pixel {read['largest_pixel_difference']}"
        )


if __name__ == "__main__":
    main()
