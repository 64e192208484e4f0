"""The worker for jaxcodec, started by run.py.

    ours.py FOLDER PICTURE ...               serves tasks, see worker.py
    ours.py --decode FILE                    decodes what the task "keep" of a worker kept, and tells its peak memory
"""

import pathlib
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import worker

import jaxcodec
from jaxcodec import codec_file, image
from jaxcodec.codec import create
from jaxcodec.export import export_codec
from jaxcodec.models import build
from jaxcodec.models.presets import mean_scale_model
from jaxcodec.objectives.rate_distortion import RateDistortion
from jaxcodec.training import state
from jaxcodec.training.step import make_train_step

DESCRIPTION = mean_scale_model(worker.FEATURES, worker.LATENT)


def random_codec(pixels: np.ndarray) -> codec_file.CodecContent:
    """Random weights, rescaled to the statistics of worker.latent_scales."""
    model = build(DESCRIPTION)
    key, quality = jax.random.key(0), jnp.zeros((1,))
    picture = image.to_float(image.pad_to_multiple(pixels, 64)[None])
    params = jax.jit(model.init)(key, jnp.zeros((1, 64, 64, 3)), quality, key)

    @jax.jit
    def latents(params):
        def of(model):
            latent = model.analysis(picture, quality)
            return latent, model.hyper_analysis(latent, quality)

        return model.apply(params, method=of)

    def rescaled(params, network, last, output, scales):
        factor = scales / output.std((0, 1, 2))
        layer = params["params"][network][last]
        layer["bias"] = (layer["bias"] - output.mean((0, 1, 2))) * factor
        layer["kernel"] = layer["kernel"] * factor
        return params

    scales = jnp.asarray(worker.latent_scales())
    params = rescaled(params, "analysis", "Conv_3", latents(params)[0], scales)
    params = rescaled(params, "hyper_analysis", "Conv_2", latents(params)[1], worker.HYPER_SCALE)
    layer = params["params"]["hyper_synthesis"]["Conv_0"]
    layer["kernel"] = jnp.zeros_like(layer["kernel"])
    layer["bias"] = jnp.concatenate([jnp.zeros_like(scales), scales])  # means, then scales
    return export_codec(DESCRIPTION, params, name="random", bpp_range=(0.5, 0.5))


def picture_tasks(content: codec_file.CodecContent, pixels: np.ndarray, file: pathlib.Path) -> dict:
    """Tasks on one picture."""
    codec = create(content)
    model, quality = build(DESCRIPTION), np.zeros((1,), np.float32)
    picture = image.to_float(image.pad_to_multiple(pixels, 64)[None])

    @jax.jit
    def run_analysis(picture):
        return model.apply(codec.params, picture, quality, method=lambda model, *a: model.analysis(*a))

    @jax.jit
    def run_synthesis(latent):
        return model.apply(codec.params, latent, quality, method=lambda model, *a: model.synthesis(*a))

    latent = jnp.round(run_analysis(picture))
    data = jaxcodec.encode(codec, pixels)

    def analysis():
        run_analysis(picture).block_until_ready()
        return {}

    def synthesis():
        run_synthesis(latent).block_until_ready()
        return {}

    def whole_encode():
        return {"bytes": len(jaxcodec.encode(codec, pixels))}

    def whole_decode():
        jaxcodec.decode(codec, data)
        return {}

    def keep():
        codec_file.save(file.with_suffix(".codec"), content)
        file.with_suffix(".jxc").write_bytes(data)
        return {}

    return {"analysis": analysis, "synthesis": synthesis, "encode": whole_encode, "decode": whole_decode, "keep": keep}


def training_task(pixels: np.ndarray):
    """The step that train.py runs: forward, backward, clipping, Adam, moving average."""
    model = build(DESCRIPTION)
    transform = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(worker.LEARNING_RATE))
    objective = RateDistortion(worker.TRADE_OFF, worker.TRADE_OFF)
    step = make_train_step(model, objective, transform, surrogate="noise", seed=0, average_decay=0.999)
    step = jax.jit(step, donate_argnums=0)
    current = state.create(model, transform, worker.CROP, seed=0)
    crops = worker.crops(pixels)

    def one_step():
        nonlocal current
        current, metrics = step(current, crops)
        return {"loss": float(metrics["loss"])}

    return one_step


def decode_once(file: pathlib.Path) -> None:
    """Decodes in a fresh process and prints the peak memory in MiB."""
    jaxcodec.decode(jaxcodec.load(file.with_suffix(".codec")), file.with_suffix(".jxc").read_bytes())
    print(worker.peak_mib())


def main() -> None:
    """Serves tasks, or decodes once."""
    if sys.argv[1] == "--decode":
        decode_once(pathlib.Path(sys.argv[2]))
        return
    folder, *files = sys.argv[1:]
    pictures = [worker.read(file) for file in files]
    content = random_codec(pictures[0])
    tasks = {"train": training_task(pictures[0])}
    for number, pixels in enumerate(pictures):
        named = picture_tasks(content, pixels, pathlib.Path(folder) / f"jaxcodec_{number}")
        tasks |= {f"{name} {number}": task for name, task in named.items()}
    tasks["version"] = lambda: {"version": f"jaxcodec {jaxcodec.__version__}, JAX {jax.__version__}"}
    worker.serve(tasks)


if __name__ == "__main__":
    main()
