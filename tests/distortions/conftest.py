"""Weights for the distortions that have them in files."""

import pytest

from jaxcodec.distortions import lpips


@pytest.fixture(autouse=True)
def weights(lpips_folder, monkeypatch):
    """Random ones for LPIPS."""
    monkeypatch.setenv(lpips.FOLDER, str(lpips_folder))
