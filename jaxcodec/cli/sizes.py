"""Limits the memory of compiled programs in a long run.

XLA makes some for every size of picture.
"""

_MOST = 16
"""Sizes whose programs are kept: some 45 MB and 600 mappings each with the bundled codec, of which
Linux allows 65,530.
"""


class Sizes:
    """Forgets all compiled programs when pictures of many sizes have come.

    So a folder of any length can be processed.
    """

    def __init__(self, stride: int):
        """Start with the `stride` that the codec pads sides to a multiple of.

        Sizes that it makes equal share programs.
        """
        self._stride, self._sizes = stride, set()

    def used(self, height: int, width: int) -> None:
        """Record that there are programs for a picture of this size.

        Forgets all programs where these are too many sizes.
        """
        self._sizes.add((height + -height % self._stride, width + -width % self._stride))
        if len(self._sizes) > _MOST:
            import jax

            jax.clear_caches()
            self._sizes.clear()
