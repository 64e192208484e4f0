"""The entropy coder of tensorflow-compression-ops, an optional package that needs an environment of its own."""

import os

import numpy as np

from jaxcodec.coding.tables import Tables
from jaxcodec.errors import BitstreamError, CoderError

MAX_PRECISION = 16
"""Bits of the finest tables that the package takes."""

_REACH = 1 << 30  # the package computes distances from the table, doubled, in 32 bits
_DAMAGED = "the symbols in this file are damaged or of another codec; fetch the file again, or encode the picture anew"


class TfcCoder:
    """Range coder with tables by index, and Elias gamma codes for symbols outside them (`SymbolCoder`).

    Raises:
      CoderError: tables finer than 16 bits.
    """

    def __init__(self, tables: Tables):
        if tables.precision > MAX_PRECISION:
            raise CoderError(
                f"the entropy coder 'tfc' takes tables of at most {MAX_PRECISION} bits and this codec has "
                f"{tables.precision}; take another coder"
            )
        self.tables = tables
        # TensorFlow tells on standard error about the GPU libraries that it does not find, when it is first imported.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        import tensorflow_compression_ops

        self._ops = tensorflow_compression_ops
        # One table after the other, each after its precision; a negative one makes the last symbol an escape.
        self._lookup = np.insert(tables.cdf, tables.starts[:-1], -tables.precision)

    def encode(self, symbols: np.ndarray, indices: np.ndarray) -> bytes:
        """Bytes for int32 `symbols`, each with the table that `indices` names.

        Raises:
          CoderError: a symbol is 2^30 or more from the first of its table.
        """
        offsets = symbols.reshape(-1).astype(np.int64) - self.tables.minimum[indices.reshape(-1)]
        if offsets.size and np.abs(offsets).max() >= _REACH:
            raise CoderError("the entropy coder 'tfc' cannot code symbols so far from zero; take another coder")
        handle = self._ops.create_range_encoder([], self._lookup)
        handle = self._ops.entropy_encode_index(handle, indices.reshape(-1).astype(np.int32), offsets.astype(np.int32))
        return self._ops.entropy_encode_finalize(handle).numpy()

    def decode(self, data: bytes, indices: np.ndarray) -> np.ndarray:
        """int32 symbols shaped as `indices`; raises BitstreamError where the package sees that `data` is not theirs."""
        from tensorflow.errors import OpError

        flat = indices.reshape(-1).astype(np.int32)
        try:
            handle = self._ops.create_range_decoder(data, self._lookup)
            handle, offsets = self._ops.entropy_decode_index(handle, flat, flat.shape, np.int32)
            sound = self._ops.entropy_decode_finalize(handle).numpy()
        except OpError as problem:
            raise BitstreamError(_DAMAGED) from problem
        if not sound:
            raise BitstreamError(_DAMAGED)
        return (offsets.numpy() + self.tables.minimum[flat]).reshape(indices.shape)
