"""Files of every codec that was ever bundled decode as they did, without the name of the codec."""

import hashlib
import pathlib

import numpy as np
import pytest
from PIL import Image

import jaxcodec
from jaxcodec.artefact import bundled, lookup

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden" / "bundled"
IDS = {
    "four-step-2026": "12ac4ae2d5be17f5",  # of 0.7
    "patch-0.3": "515ea2780077a924",  # the default of release 0.3
    "patch-2026": "59d8616bb63373c4",  # of 0.4 to 0.6
    "structure-2026": "a040526330d127f5",  # of 0.7, never the default
}
"""The codecs of all releases but those whose .jxc files are not read any more (0.1 and 0.2)."""

FILES = {
    "patch-0.3_20_host": "792dc55deef85f66",
    "patch-0.3_20_lanes": "1835cd3074c6d328",
    "patch-0.3_50_grey_host": "b8cbf39f8b879e69",
    "patch-0.3_50_grey_lanes": "8953186e14edfa81",
    "patch-0.3_80_alpha_host": "dafa4678eade8574",
    "patch-0.3_80_alpha_lanes": "b565862d88c60da0",
    "patch-2026_20_host": "6e3622cd903946ea",
    "patch-2026_20_lanes": "bf46b55b67d1a382",
    "patch-2026_50_grey_host": "a062bc7d959e3938",
    "patch-2026_50_grey_lanes": "9066bccafc275628",
    "patch-2026_80_alpha_host": "9c1608102f7c4ebf",
    "patch-2026_80_alpha_lanes": "70b0f04ec489f223",
    "v4_four-step-2026_20_host": "8ec4c4daf9d28426",
    "v4_four-step-2026_20_lanes": "749c7f7614098d59",
    "v4_four-step-2026_50_grey_host": "9ed9adf40a91282d",
    "v4_four-step-2026_50_grey_lanes": "e7057b78a9149095",
    "v4_four-step-2026_80_alpha_host": "bdc2e25af4451ef3",
    "v4_four-step-2026_80_alpha_lanes": "26568e3770edf1a8",
    "v4_patch-2026_20_host": "c014df6717f34297",
    "v4_patch-2026_20_lanes": "cb7c099fdb6e8d40",
    "v4_patch-2026_50_grey_host": "210156c05f80b0e3",
    "v4_patch-2026_50_grey_lanes": "4d72463c7ab98447",
    "v4_patch-2026_80_alpha_host": "436ce29218f3c87f",
    "v4_patch-2026_80_alpha_lanes": "65a8360a58c02b0b",
    "v4_structure-2026_20_host": "aeb0710e5776daa5",
    "v4_structure-2026_20_lanes": "1a5fb0fe60c6eb99",
    "v4_structure-2026_50_grey_host": "1884d69e074b230d",
    "v4_structure-2026_50_grey_lanes": "77d0e483a8cc8c29",
    "v4_structure-2026_80_alpha_host": "3725c62abcb87ab6",
    "v4_structure-2026_80_alpha_lanes": "af8fa0b9b6e850c4",
}


def test_every_codec_is_there_under_its_name():
    assert {info.name: info.id for info in bundled.available()} == IDS


def test_every_codec_and_every_file_is_tested():
    assert {path.stem for path in GOLDEN.glob("*.jxc")} == set(FILES)
    assert {name.removeprefix("v4_").split("_")[0] for name in FILES} == set(IDS)


@pytest.mark.parametrize("name", sorted(FILES))
def test_it_decodes_within_a_grey_level_by_the_codec_that_it_names(name, monkeypatch, tmp_path):
    monkeypatch.setenv(lookup.VARIABLE, str(tmp_path))
    data = (GOLDEN / f"{name}.jxc").read_bytes()
    assert hashlib.sha256(data).hexdigest()[:16] == FILES[name]
    codec = jaxcodec.codec_of(data)
    assert codec.id == IDS[name.removeprefix("v4_").split("_")[0]]
    decoded = jaxcodec.decode(codec, data)
    with Image.open(GOLDEN / f"{name.rsplit('_', 1)[0]}.png") as file:
        expected = np.asarray(file).reshape(decoded.shape)
    assert np.abs(decoded.astype(int) - expected).max() <= 1
    assert np.array_equal(decoded[:, :, 3:], expected[:, :, 3:])
