"""How far networks reach: what running them in windows has to know.

A footprint is the list of the layers (kernel, stride) that an output depends on the most inputs
through; a layer of stride 1 that changes the resolution without looking sideways, such as
depth-to-space, is (1, stride).
"""

import math
from collections.abc import Sequence

Path = Sequence[tuple[int, int]]


def analysis_halo(path: Path) -> int:
    """How far an output of strided convolutions depends on its neighbours.

    In positions of the output, rounded up.
    """
    strides = [stride for _, stride in path]
    pixels = sum((kernel // 2) * math.prod(strides[:i]) for i, (kernel, _) in enumerate(path))
    return math.ceil(pixels / math.prod(strides))


def synthesis_halo(path: Path) -> int:
    """How far an output of upsampling layers depends on its neighbours.

    In positions of the input, rounded up.

    A kernel lies on the grid of its layer's output.
    """
    strides = [stride for _, stride in path]
    return math.ceil(
        sum((kernel // 2) / math.prod(strides[: i + 1]) for i, (kernel, _) in enumerate(path))
    )
