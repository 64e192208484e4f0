"""The worker for jaxcodec, started by run.py.

ours.py train FOLDER MODEL PICTURE        serves the training step, see worker.py
ours.py code FOLDER MODEL PICTURE ...     serves what encodes and decodes
ours.py once FOLDER MODEL FILE            decodes what the task "keep" of a worker kept, and tells
                                          its peak memory
"""

import pathlib
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import worker

import jaxcodec
from jaxcodec import image
from jaxcodec.artefact import codec_file
from jaxcodec.artefact.export import export_codec
from jaxcodec.codec import create
from jaxcodec.importing.compressai import import_checkpoint
from jaxcodec.models import build
from jaxcodec.models.presets import autoregressive_model, mean_scale_model
from jaxcodec.objectives.rate_distortion import RateDistortion
from jaxcodec.runtime import memory
from jaxcodec.runtime.compilation import compiled
from jaxcodec.training import state
from jaxcodec.training.train_step import make_train_step

PRESETS = {"mean_scale": mean_scale_model, "autoregressive": autoregressive_model}


def import_weights(
    folder: pathlib.Path, pixels: np.ndarray
) -> tuple[dict, codec_file.CodecContent]:
    """The description and the codec of the weights that the worker for CompressAI left, calibrated
    on a picture.
    """
    model = import_checkpoint(folder / worker.WEIGHTS)
    content = export_codec(
        model.description, model.params, name="random", bpp_range=(0.5, 0.5), pictures=[pixels]
    )
    return model.description, content


def picture_tasks(
    description: dict, content: codec_file.CodecContent, pixels: np.ndarray, file: pathlib.Path
) -> dict:
    """Tasks on one picture."""
    codec = create(content)
    model, quality = build(description), np.zeros((1,), np.float32)
    picture = image.to_float(image.pad_to_multiple(pixels, 64)[None])

    @compiled
    def run_analysis(params, picture):
        return model.apply(params, picture, quality, method=lambda model, *a: model.analysis(*a))

    @compiled
    def run_synthesis(params, latent):
        return model.apply(params, latent, quality, method=lambda model, *a: model.synthesis(*a))

    latent = jnp.round(run_analysis(codec.params, picture))
    data = jaxcodec.encode(codec, pixels, effort=0)

    def analysis():
        run_analysis(codec.params, picture).block_until_ready()
        return {}

    def synthesis():
        run_synthesis(codec.params, latent).block_until_ready()
        return {}

    def whole_encode():
        return {"bytes": len(jaxcodec.encode(codec, pixels, effort=0))}

    def whole_decode():
        jaxcodec.decode(codec, data)
        return {}

    def keep():
        codec_file.save(file.with_suffix(".codec"), content)
        file.with_suffix(".jxc").write_bytes(data)
        return {}

    return {
        "analysis": analysis,
        "synthesis": synthesis,
        "encode": whole_encode,
        "decode": whole_decode,
        "keep": keep,
    }


def training_task(name: str, pixels: np.ndarray):
    """The step that train.py runs: forward, backward, clipping, Adam, moving average."""
    _, features, latent = worker.MODELS[name]
    model = build(PRESETS[name](features, latent))
    transform = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(worker.LEARNING_RATE))
    objective = RateDistortion(worker.TRADE_OFF, worker.TRADE_OFF)
    step = make_train_step(
        model, objective, transform, surrogate="noise", seed=0, average_decay=0.999
    )
    step = jax.jit(step, donate_argnums=0)
    current = state.create(model, objective, transform, worker.CROP, seed=0)
    crops = worker.crops(pixels)

    def one_step():
        nonlocal current
        current, metrics = step(current, crops)
        return {"loss": float(metrics["loss"])}

    return one_step


def decode_once(file: pathlib.Path) -> None:
    """Decodes in a fresh process and prints the peak memory in MiB."""
    jaxcodec.decode(
        jaxcodec.load(file.with_suffix(".codec")), file.with_suffix(".jxc").read_bytes()
    )
    print(worker.peak_mib())


def main() -> None:
    """Serves tasks, or decodes once."""
    kind, folder, name, *files = sys.argv[1:]
    if kind == "once":
        decode_once(pathlib.Path(*files))
        return
    pictures = [worker.read(file) for file in files]
    tasks = {
        "version": lambda: {"version": f"jaxcodec {jaxcodec.__version__}, JAX {jax.__version__}"}
    }
    if kind == "train":
        memory.keep_freed_memory()  # as train.py does
        tasks["train"] = training_task(name, *pictures)
    else:
        description, content = import_weights(pathlib.Path(folder), pictures[0])
        for number, pixels in enumerate(pictures):
            named = picture_tasks(
                description, content, pixels, pathlib.Path(folder) / f"jaxcodec_{number}"
            )
            tasks |= {f"{task} {number}": run for task, run in named.items()}
    worker.serve(tasks)


if __name__ == "__main__":
    main()
