"""The codec's forward pass, as every loss sees it."""

from typing import cast

import flax.linen as nn
import jax

from jaxcodec.entropy.output import Output
from jaxcodec.objectives import Forward, Params


def forward_pass(
    model: nn.Module,
    params: Params,
    image: jax.Array,
    quality: jax.Array,
    key: jax.Array,
    surrogate: str,
) -> Forward:
    """The codec of `model` and `params` over images (B, H, W, 3) in [0, 1] at qualities (B,).

    surrogate: what stands for rounding, see `entropy.surrogates`; `key` is its randomness.
    """
    output = cast(Output, model.apply(params, image, quality, key, kind=surrogate))
    return Forward(
        image=image,
        quality=quality,
        reconstruction=output.image,
        bits=output.bits,
        side_bits=output.side_bits,
        latent=output.latent,
        latent_hat=output.latent_hat,
        likelihoods=output.likelihoods,
    )
