"""Training input: a folder of images in, an endless, repeatable stream of uint8 crops out.

    dataset = data.open_folder("photographs", validation_images=16)
    batches = data.training_batches(dataset, batch_size=16, crop=256, seed=0)
    crops = next(batches)["image"]                      # uint8 (16, 256, 256, 3)

Images stay uint8 HWC RGB here; the conversion to float32 in [0, 1] belongs to the jitted training
step.
"""

from jaxcodec.data.noise import uniform_batches, uniform_crops
from jaxcodec.data.pipeline import Batches, training_batches, validation_crops
from jaxcodec.data.source import ImageFolder, check_folders, open_folder

__all__ = [
    "Batches",
    "ImageFolder",
    "check_folders",
    "open_folder",
    "training_batches",
    "uniform_batches",
    "uniform_crops",
    "validation_crops",
]
