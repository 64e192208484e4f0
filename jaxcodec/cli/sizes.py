"""Limits the memory of compiled programs in a long run.

XLA makes some for every size of picture, and every codec.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it loads JAX
    from jaxcodec.codec import Codec

_MOST = 16
"""Sizes whose programs are kept: some 45 MB and 600 mappings each with the bundled codec, of which
Linux allows 65,530.
"""


class Sizes:
    """Forgets all compiled programs when pictures of many sizes have come.

    So a folder of any length can be processed.
    """

    def __init__(self):
        self._sizes = set()

    def used(self, codec: "Codec", height: int, width: int) -> None:
        """Record that there are programs of a codec for a picture of this size.

        Sizes that its stride pads to the same share programs. Forgets all programs where these are
        too many sizes, those of all codecs counted.
        """
        stride = codec.geometry.stride
        self._sizes.add((codec, height + -height % stride, width + -width % stride))
        if len(self._sizes) > _MOST:
            import jax

            jax.clear_caches()
            self._sizes.clear()
