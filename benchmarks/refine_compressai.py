"""The worker for refinement with CompressAI's model in PyTorch, started by refinement_speed.py.

    refine_compressai.py FOLDER STEPS BATCHES PICTURE ...    serves the tasks of refinement_speed.py

SGA (Yang et al. 2020), written from its formulas as one would write it, with what makes PyTorch
faster without much ado: weights that ask for no gradient, images of one batch in one pass, all
processors, the faster of two memory formats, and on a GPU cuDNN's choice of algorithms and TF32. It
runs in the environment of setup_peers.sh.
"""

import math
import pathlib
import sys
import time
from collections.abc import Callable

import numpy as np
import peer_compressai  # first: it makes CompressAI importable
import torch
import worker
from compressai.models import MeanScaleHyperprior

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
FORMATS = {"NCHW": torch.contiguous_format, "NHWC": torch.channels_last}
EPSILON = 1e-5

Map = Callable[[torch.Tensor], torch.Tensor]


def temperature(step: int) -> float:
    """The schedule of Yang et al. 2020."""
    return min(max(0.5 * math.exp(-1e-3 * (step - 700)), 1e-8), 0.5)


def relax(value: torch.Tensor, tau: float) -> torch.Tensor:
    """Floor or ceiling by a Gumbel-softmax whose logits are -atanh of the distances from them, over
    tau.
    """
    floor, ceiling = value.floor(), value.ceil()
    down = (value - floor).clamp(EPSILON, 1 - EPSILON)
    logits = torch.stack([-torch.atanh(down), -torch.atanh(1 - down)]) / tau
    share = torch.nn.functional.gumbel_softmax(logits, tau, dim=0)
    return share[0] * floor + share[1] * ceiling


class Refinement:
    """Latents of images (B, 3, H, W), each with a loss of its own, and their optimiser."""

    def __init__(self, model: MeanScaleHyperprior, images: torch.Tensor, extent: tuple[int, int]):
        self.model, self.images, self.extent, self.step = model, images, extent, 0
        with torch.no_grad():
            latent = model.g_a(images)
            hyper = model.h_a(latent)
        self.latent, self.hyper = latent.requires_grad_(), hyper.requires_grad_()
        self.optimiser = torch.optim.Adam([self.latent, self.hyper], lr=worker.REFINEMENT_RATE)

    def advance(self) -> None:
        """One step of Adam on the sum of the images' losses under the relaxation."""
        tau = temperature(self.step)
        self.optimiser.zero_grad()
        self.losses(lambda value: relax(value, tau), lambda pixels: pixels).sum().backward()
        self.optimiser.step()
        self.step += 1

    @torch.no_grad()
    def true_losses(self) -> torch.Tensor:
        """Of the latents rounded and the pixels in 8 bits, (B,)."""
        return self.losses(torch.round, lambda pixels: pixels.clamp(0, 1).mul(255).round() / 255)

    def losses(self, quantise: Map, show: Map) -> torch.Tensor:
        """lambda * 255^2 * MSE + bpp of each image, (B,); latents are quantised about their
        means.
        """
        model, bottleneck = self.model, self.model.entropy_bottleneck
        median = bottleneck.quantiles[:, 0, 1].reshape(1, -1, 1, 1)
        hyper_hat = quantise(self.hyper - median) + median
        scales, means = model.h_s(hyper_hat).chunk(2, 1)
        residual = quantise(self.latent - means)
        height, width = self.extent
        difference = (self.images - show(model.g_s(residual + means)))[..., :height, :width]
        columns = hyper_hat.transpose(0, 1)
        hyper_mass, *_ = bottleneck._likelihood(columns.reshape(len(columns), 1, -1))
        hyper_mass = (
            bottleneck.likelihood_lower_bound(hyper_mass).reshape(columns.shape).transpose(0, 1)
        )
        mass = model.gaussian_conditional._likelihood(residual, scales)
        mass = model.gaussian_conditional.likelihood_lower_bound(mass)
        nats = -mass.log().sum((1, 2, 3)) - hyper_mass.log().sum((1, 2, 3))
        error = 255**2 * difference.square().mean((1, 2, 3))
        return worker.TRADE_OFF * error + nats / (math.log(2) * height * width)


def tasks_of(
    model: MeanScaleHyperprior, images: torch.Tensor, extent: tuple[int, int], steps: int
) -> dict:
    """Tasks on a batch."""
    refinement = None

    def begin():
        nonlocal refinement
        refinement = Refinement(model, images, extent)
        start = refinement.true_losses().tolist()
        advance()
        return {"losses": start}

    def advance():
        for _ in range(steps):
            refinement.advance()
        wait()
        return {}

    def look():
        return {"losses": refinement.true_losses().tolist()}

    return {"begin": begin, "advance": advance, "look": look}


def to_images(pictures: list[np.ndarray]) -> torch.Tensor:
    """Pictures of one size on the device, (B, 3, H', W')."""
    return torch.cat([peer_compressai.to_input(pixels) for pixels in pictures]).to(DEVICE)


def step_seconds(
    model: MeanScaleHyperprior, images: torch.Tensor, extent: tuple[int, int], order
) -> float:
    """What a step takes with arrays in a memory format: the least of three, after one that does not
    count.
    """
    refinement = Refinement(model.to(memory_format=order), images.to(memory_format=order), extent)
    seconds = []
    for _ in range(4):
        start = time.perf_counter()
        refinement.advance()
        wait()
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])


def wait() -> None:
    """Until the device is done."""
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def device_name() -> str:
    """Where the model runs."""
    return (
        torch.cuda.get_device_name()
        if DEVICE.type == "cuda"
        else f"CPU with {torch.get_num_threads()} threads"
    )


def main() -> None:
    """Serves tasks."""
    torch.set_num_threads(worker.threads())
    torch.backends.cudnn.benchmark = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cuda.matmul.allow_tf32 = True
    folder, steps, sizes, *files = sys.argv[1:]
    pictures = [worker.read(file) for file in files]
    model = peer_compressai.random_model(worker.REFINED, pictures[0])
    torch.save({"state_dict": model.state_dict()}, pathlib.Path(folder, worker.WEIGHTS))
    model, extent = model.requires_grad_(False).to(DEVICE), pictures[0].shape[:2]
    order = min(
        FORMATS,
        key=lambda order: step_seconds(model, to_images(pictures[:1]), extent, FORMATS[order]),
    )
    model = model.to(memory_format=FORMATS[order])
    version = f"PyTorch {torch.__version__}, {device_name()}, {order}"
    tasks = {"version": lambda: {"version": version}}
    for batch in worker.batches(pictures, sizes):
        images = to_images(batch).to(memory_format=FORMATS[order])
        named = tasks_of(model, images, extent, int(steps))
        tasks |= {f"{task} {len(batch)}": run for task, run in named.items()}
    worker.serve(tasks)


if __name__ == "__main__":
    main()
