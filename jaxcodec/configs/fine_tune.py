"""A bundled codec, or one in a file, trained on with pictures of one's own.

    python train.py --config=configs/fine_tune.py --workdir=runs/mine \\
        --config.data.folders=my_pictures
    jaxcodec export runs/mine mine.codec
    jaxcodec encode photo.png photo.jxc --codec mine.codec

Another codec is named after a colon, as in `configs/fine_tune.py:patch-2026` or
`configs/fine_tune.py:mine.codec`. The trade-offs are those of the bundled codecs: what a quality
stands for stays about the same. 1,000 steps take some 15 minutes on two cores; an example with its
gain is in docs/codecs.md.
"""

from jaxcodec.artefact import bundled, codec_file
from jaxcodec.configs import patch
from jaxcodec.training.settings import Config


def get_config(codec: str = "default") -> Config:
    """Settings to go on from the weights of a codec."""
    config = patch.get_config()
    metadata = codec_file.read_metadata(bundled.find(codec))
    config.name = f"{metadata['name']}_tuned"
    config.model = metadata["model"]
    if metadata["model"]["gains"].get("points", 0) < 2:
        config.objective.update({"first": 0.01, "last": 0.01, "balance": 0.0})
        config.validation_qualities = (0.0,)
    config.start.codec = codec
    config.steps = 1_000
    config.data.validation_images = 2
    config.data.min_scale = 0.75
    config.average_decay = 0.99
    config.optimiser.update({"learning_rate": 2e-4, "warmup": 20, "decay": 0.7})
    config.log_every = 20
    config.validate_every = 250
    config.checkpoint_every = 250
    return config
