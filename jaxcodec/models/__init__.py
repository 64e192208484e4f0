"""Trainable models from plain descriptions."""

from jaxcodec.models.build import build, stride

__all__ = ["build", "stride"]
