"""Finding the quality that makes a file as large as allowed."""

import math
from collections.abc import Callable

BEST = 100
_SECANT_STEPS = 4
"""Steps that follow the curve; after them halving bounds the number of files made at twelve."""


def highest_within(limit: int, encode: Callable[[int], bytes], growth: float) -> tuple[int | None, bytes]:
    """The highest quality, 0 to 100, whose file is not larger than `limit` bytes, and that file.

    Sizes are taken to rise with the quality: the file of the next higher quality was made and is larger than `limit`.

    Args:
      limit: bytes.
      encode: the whole file at a quality, an integer 0 to 100.
      growth: a first guess of how fast the size grows, in d log(bytes) / d quality.

    Returns:
      (quality, file); where even quality 0 is too large, (None, the file of quality 0).
    """
    low, high = -1, BEST + 1  # the files of `low` and below fit, of `high` and above do not
    kept, smallest = b"", b""
    guess, last = BEST // 2, None
    for step in range(BEST):
        data = encode(guess)
        if len(data) <= limit:
            low, kept = guess, data
        else:
            high, smallest = guess, data
        if high - low == 1:
            break
        size = math.log(len(data))
        if last is not None and (size - last[1]) * (guess - last[0]) > 0:
            growth = (size - last[1]) / (guess - last[0])
        last = guess, size
        follow = math.floor(guess + (math.log(max(limit, 1)) - size) / growth)
        guess = follow if step < _SECANT_STEPS else (low + high) // 2
        guess = min(max(guess, low + 1), high - 1)
    return (low, kept) if low >= 0 else (None, smallest)
