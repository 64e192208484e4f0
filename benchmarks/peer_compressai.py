"""The worker for CompressAI; it runs in the environment that setup_peers.sh makes, started by
run.py.

    peer_compressai.py train FOLDER MODEL PICTURE       serves the training step, see worker.py
    peer_compressai.py code FOLDER MODEL PICTURE ...    serves what encodes and decodes
    peer_compressai.py once FOLDER MODEL FILE           decodes what the task "keep" of a worker
                                                        kept, and tells its peak memory
"""

import pathlib
import pickle
import sys
import types

for name in (
    "torchvision",
    "torchvision.transforms",
):  # imported by CompressAI, and not needed by models and coders
    module = sys.modules[name] = types.ModuleType(name)
    for transform in ("Compose", "RandomCrop", "CenterCrop", "ToTensor", "ToPILImage", "Resize"):
        setattr(module, transform, type(transform, (), {}))
sys.modules["torchvision"].transforms = sys.modules["torchvision.transforms"]

import compressai  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
import worker  # noqa: E402
from compressai.losses import RateDistortionLoss  # noqa: E402
from compressai.models import (  # noqa: E402
    Cheng2020Attention,
    CompressionModel,
    JointAutoregressiveHierarchicalPriors,
    MeanScaleHyperprior,
)

STRIDE = 64


def to_input(pixels: np.ndarray) -> torch.Tensor:
    """Pixels, uint8 (H, W, 3), to float (1, 3, H', W') with edge replication to multiples of the
    stride.
    """
    image = torch.tensor(pixels).permute(2, 0, 1)[None].float() / 255
    height, width = pixels.shape[:2]
    return torch.nn.functional.pad(
        image, (0, -width % STRIDE, 0, -height % STRIDE), mode="replicate"
    )


def build(name: str) -> CompressionModel:
    """The model of a name of worker.MODELS, with the weights that CompressAI starts from."""
    kind, features, latent = worker.MODELS[name]
    if kind == "cheng2020-attn":
        return Cheng2020Attention(features)
    return {"mbt2018-mean": MeanScaleHyperprior, "mbt2018": JointAutoregressiveHierarchicalPriors}[
        kind
    ](features, latent)


@torch.no_grad()
def random_model(name: str, pixels: np.ndarray) -> CompressionModel:
    """Random weights, rescaled to the statistics of worker.latent_scales."""
    torch.manual_seed(0)
    model, image = build(name).eval(), to_input(pixels)
    scales = torch.from_numpy(worker.latent_scales(worker.MODELS[name][2]))
    for _ in range(
        3 if name == "attention" else 1
    ):  # attention follows the layer, and changes with it
        rescale(last_convolution(model.g_a), model.g_a(image), scales)
    hyper = model.h_a(model.g_a(image))
    rescale(model.h_a[-1], hyper, torch.full(hyper.shape[1:2], worker.HYPER_SCALE))
    layer, share = model.h_s[-1], 0.0
    if hasattr(model, "entropy_parameters"):
        layer, share = model.entropy_parameters[-1], worker.CONTEXT_SHARE
    layer.weight.mul_(share)
    layer.bias.copy_(torch.cat([scales, torch.zeros_like(scales)]))  # scales, then means
    model.update()
    return model


def last_convolution(network: torch.nn.Module) -> torch.nn.Conv2d:
    """The last convolution that is a layer of its own."""
    return [layer for layer in network if isinstance(layer, torch.nn.Conv2d)][-1]


def rescale(layer: torch.nn.Conv2d, output: torch.Tensor, scales: torch.Tensor) -> None:
    """Makes the channels of `output`, what `layer` gives, zero in the mean and `scales` in the
    standard deviation.
    """
    factor = scales / output.std((0, 2, 3))
    layer.bias.copy_((layer.bias - output.mean((0, 2, 3))) * factor)
    layer.weight.mul_(factor[:, None, None, None])


@torch.no_grad()
def encode(model: CompressionModel, pixels: np.ndarray) -> dict:
    """Pixels to bytes, in CompressAI's form; what a container would add is left out."""
    return {**model.compress(to_input(pixels)), "size": pixels.shape[:2]}


@torch.no_grad()
def decode(model: CompressionModel, coded: dict) -> np.ndarray:
    """Bytes to pixels, uint8 (H, W, 3)."""
    image = model.decompress(coded["strings"], coded["shape"])["x_hat"][0]
    height, width = coded["size"]
    image = image[:, :height, :width].clamp(0, 1).mul(255).round().to(torch.uint8)
    return image.permute(1, 2, 0).contiguous().numpy()


def picture_tasks(model: CompressionModel, pixels: np.ndarray, file: str) -> dict:
    """Tasks on one picture."""
    image = to_input(pixels)
    with torch.no_grad():
        latent = model.g_a(image).round()
    coded = encode(model, pixels)

    @torch.no_grad()
    def analysis():
        model.g_a(image)
        return {}

    @torch.no_grad()
    def synthesis():
        model.g_s(latent)
        return {}

    def whole_encode():
        return {"bytes": sum(len(string[0]) for string in encode(model, pixels)["strings"])}

    def whole_decode():
        decode(model, coded)
        return {}

    def keep():
        with open(file, "wb") as out:
            pickle.dump((model.state_dict(), coded), out)
        return {}

    return {
        "analysis": analysis,
        "synthesis": synthesis,
        "encode": whole_encode,
        "decode": whole_decode,
        "keep": keep,
    }


def training_task(name: str, pixels: np.ndarray):
    """One step, forward, backward and Adam, of a model with random weights; the auxiliary loss is
    left out.
    """
    torch.manual_seed(0)
    model = build(name).train()
    main = [
        parameter for name, parameter in model.named_parameters() if not name.endswith(".quantiles")
    ]
    optimiser = torch.optim.Adam(main, lr=worker.LEARNING_RATE)
    loss_of = RateDistortionLoss(lmbda=worker.TRADE_OFF)
    crops = worker.crops(pixels)

    def step():
        images = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
        optimiser.zero_grad()
        loss = loss_of(model(images), images)["loss"]
        loss.backward()
        torch.nn.utils.clip_grad_norm_(main, 1.0)
        optimiser.step()
        return {"loss": loss.item()}

    return step


def decode_once(name: str, file: str) -> None:
    """Decodes in a fresh process and prints the peak memory in MiB."""
    with open(file, "rb") as kept:
        state, coded = pickle.load(kept)
    model = build(name).eval()
    model.load_state_dict(state)
    decode(model, coded)
    print(worker.peak_mib())


def main() -> None:
    """Serves tasks, or decodes once."""
    torch.set_num_threads(worker.threads())
    kind, folder, name, *files = sys.argv[1:]
    if kind == "once":
        decode_once(name, *files)
        return
    pictures = [worker.read(file) for file in files]
    tasks = {
        "version": lambda: {
            "version": f"CompressAI {compressai.__version__}, PyTorch {torch.__version__}"
        }
    }
    if kind == "train":
        tasks["train"] = training_task(name, *pictures)
    else:
        model = random_model(name, pictures[0])
        torch.save({"state_dict": model.state_dict()}, pathlib.Path(folder, worker.WEIGHTS))
        for number, pixels in enumerate(pictures):
            named = picture_tasks(model, pixels, f"{folder}/compressai_{number}")
            tasks |= {f"{task} {number}": run for task, run in named.items()}
    worker.serve(tasks)


if __name__ == "__main__":
    main()
