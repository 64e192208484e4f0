"""CompressAI's half of compare_imports.py; it runs in the environment that setup_peers.sh makes.

    imports_compressai.py FOLDER PICTURE N M [--half]

For each architecture that jaxcodec imports, writes to FOLDER a checkpoint NAME.pth.tar with random
weights, and NAME.npz with all that its forward pass makes of the picture, images and latents as (B,
H, W, C). PICTURE has sides that are multiples of 64. With --half the weights are rounded to float16
and kept so, which halves the file.
"""

import functools
import math
import os
import pathlib
import sys
import types

for name in (
    "torchvision",
    "torchvision.transforms",
):  # imported by CompressAI, and not needed by its models
    module = sys.modules[name] = types.ModuleType(name)
    for transform in ("Compose", "RandomCrop", "CenterCrop", "ToTensor", "ToPILImage", "Resize"):
        setattr(module, transform, type(transform, (), {}))
sys.modules["torchvision"].transforms = sys.modules["torchvision.transforms"]

import compressai.models as zoo  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from compressai.entropy_models import EntropyBottleneck  # noqa: E402
from compressai.layers import GDN, MaskedConv2d  # noqa: E402
from PIL import Image  # noqa: E402

ARCHITECTURES = {
    "bmshj2018-factorized": zoo.FactorizedPrior,
    "bmshj2018-hyperprior": zoo.ScaleHyperprior,
    "mbt2018-mean": zoo.MeanScaleHyperprior,
    "mbt2018": zoo.JointAutoregressiveHierarchicalPriors,
    "cheng2020-anchor": zoo.Cheng2020Anchor,
    "cheng2020-attn": zoo.Cheng2020Attention,
}
CONVOLUTIONS = (torch.nn.Conv2d, torch.nn.ConvTranspose2d)
LATENT_DEVIATION, HYPER_DEVIATION, PIXEL_DEVIATION = 4.0, 2.0, 0.3


@torch.no_grad()
def random_model(
    name: str, sizes: tuple[int, int], image: torch.Tensor, half: bool
) -> torch.nn.Module:
    """Random weights that leave no parameter without effect, and latents that spread over several
    integers.
    """
    torch.manual_seed(0)
    cheng = name.startswith("cheng")
    model = ARCHITECTURES[name](*sizes[:1] if cheng else sizes).eval()
    for part in model.modules():
        if isinstance(part, CONVOLUTIONS):
            part.weight.mul_(math.sqrt(3))  # PyTorch's default loses signal from layer to layer
        elif isinstance(part, GDN):
            part.beta.mul_(torch.empty_like(part.beta).uniform_(0.8, 1.2))
            part.gamma.add_(torch.empty_like(part.gamma).uniform_(-0.05, 0.2))
        elif isinstance(part, EntropyBottleneck):
            for parameters, spread in (
                (part.matrices, 0.3),
                (part.biases, 0.3),
                (part.factors, 0.5),
            ):
                for parameter in parameters:
                    parameter.add_(spread * torch.randn_like(parameter))
            part.quantiles[:, 0, 1].uniform_(-3, 3)
    rescale(last_convolution(model.g_a), model.g_a(image).std(), LATENT_DEVIATION)
    if hasattr(model, "h_a"):
        rescale(model.h_a[-1], hyper_latent(model, image).std(), HYPER_DEVIATION)
        last_convolution(network_of_scales(model)).bias[: model.M].uniform_(0.5, 3.0)
    rescale(last_convolution(model.g_s), model.g_s(model.g_a(image).round()).std(), PIXEL_DEVIATION)
    for parameter in model.parameters() if half else ():
        parameter.copy_(parameter.half())
    return model


def last_convolution(network: torch.nn.Module) -> torch.nn.Module:
    """The last convolution among the parts of `network`."""
    return [part for part in network.modules() if isinstance(part, CONVOLUTIONS)][-1]


def rescale(layer: torch.nn.Module, deviation: torch.Tensor, wanted: float) -> None:
    """Makes the output of `layer` spread by about `wanted` where it spread by `deviation`."""
    layer.weight.mul_(wanted / deviation)


def hyper_latent(model: torch.nn.Module, image: torch.Tensor) -> torch.Tensor:
    """The hyper-latent of the picture."""
    latent = model.g_a(image)
    return model.h_a(latent.abs() if type(model) is zoo.ScaleHyperprior else latent)


def network_of_scales(model: torch.nn.Module) -> torch.nn.Module:
    """The network whose first outputs are the scales."""
    return getattr(model, "entropy_parameters", model.h_s)


@torch.no_grad()
def forward(model: torch.nn.Module, image: torch.Tensor) -> dict[str, np.ndarray]:
    """Everything on the way from the picture to its reconstruction: "layer/NAME" of each layer, and
    what follows them.
    """
    made = {}

    def keep(name, part, inputs, output):  # copies, because activations work in place
        if isinstance(part, EntropyBottleneck):
            made.update(coded=inputs[0].clone(), coded_hat=output[0].clone())
            return
        made[f"layer/{name}"] = output.clone()
        if isinstance(part, MaskedConv2d):
            made["y_hat"] = inputs[0].clone()

    for name, part in model.named_modules():
        if isinstance(part, (*CONVOLUTIONS, GDN, EntropyBottleneck)):
            part.register_forward_hook(functools.partial(keep, name))
    given = model(image)
    made |= {"image": image, "x_hat": given["x_hat"]}
    made |= {f"likelihood_{latent}": values for latent, values in given["likelihoods"].items()}
    coded, coded_hat = made.pop("coded"), made.pop("coded_hat")
    made["y"] = model.g_a(image)
    if hasattr(model, "h_a"):
        made |= {"z": coded, "z_hat": coded_hat}
        network = network_of_scales(model)
        output = made[f"layer/{'h_s.4' if network is model.h_s else 'entropy_parameters.4'}"]
        made["scales"] = output[:, : model.M]
        if output.shape[1] > model.M:
            made["means"] = output[:, model.M :]
        made.setdefault(
            "y_hat", torch.round(made["y"] - made.get("means", 0)) + made.get("means", 0)
        )
    else:
        made["y_hat"] = coded_hat
    return {name: values.permute(0, 2, 3, 1).contiguous().numpy() for name, values in made.items()}


def main() -> None:
    """Writes both files of each architecture."""
    folder, picture, *sizes = sys.argv[1:5]
    half = "--half" in sys.argv
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    pixels = np.asarray(Image.open(picture).convert("RGB"))
    image = torch.tensor(pixels).permute(2, 0, 1)[None].float() / 255
    for name in ARCHITECTURES:
        model = random_model(name, tuple(map(int, sizes)), image, half)
        np.savez(pathlib.Path(folder, f"{name}.npz"), **forward(model, image))
        state = model.state_dict()
        state |= {key: value.half() for key, value in model.named_parameters() if half}
        state = {f"module.{key}": value for key, value in state.items()}  # as DataParallel keeps it
        # The last in the form of PyTorch before 1.6, so that both forms are met.
        torch.save(
            {"epoch": 0, "state_dict": state},
            pathlib.Path(folder, f"{name}.pth.tar"),
            _use_new_zipfile_serialization=name != "cheng2020-attn",
        )


if __name__ == "__main__":
    main()
