"""A codec whose transforms, entropy model, prior and objective lie outside jaxcodec.

cd examples/extending
export PYTHONPATH=$PWD
python -m jaxcodec.train --config=config.py --workdir=run --config.data.folders=PHOTOS
jaxcodec export run my.codec --allow-import my_codec
jaxcodec encode photo.png photo.jxc --codec my.codec --allow-import my_codec
"""

from my_codec import entropy, transforms

from jaxcodec.training.config import small_config


def get_config():
    """A model of one quality, small enough for a CPU."""
    latent, hyper = 48, 32
    config = small_config()
    config.name = "my_codec"
    config.model = {
        "entropy": entropy.ShiftedMeanScale,
        "prior": {"kind": entropy.LogisticPrior},
        "hyper_channels": hyper,
        "gains": {"channels": latent},
        "analysis": {"kind": transforms.Analysis, "latent": latent, "width": 48},
        "synthesis": {"kind": transforms.Synthesis, "width": 48},
        "hyper_analysis": {
            "kind": "conv_analysis",
            "features": (hyper,),
            "kernels": (5,),
            "strides": (2,),
        },
        "hyper_synthesis": {"kind": transforms.HyperSynthesis, "outputs": 2 * latent, "width": 32},
    }
    config.objective = {
        "kind": "my_codec.objectives:CharbonnierRate",
        "weight": 0.1,
    }  # a class or its import path
    return config
