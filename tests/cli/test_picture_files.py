"""What encode and encode-set share: which codec is loaded, which files count as compressed."""

import pytest

from jaxcodec.runtime import compile_cache

pytestmark = pytest.mark.usefixtures("photographed")


def test_compile_cache_is_on_unless_switched_off(folder, run, codec, monkeypatch):
    calls = []
    monkeypatch.setattr(compile_cache, "enable", lambda: calls.append(1))
    run("encode", "photo.png", "photo.jxc", "--codec", codec, "--no-compile-cache")
    assert calls == []
    run("encode", "photo.png", "photo.jxc", "--codec", codec, "--force")
    assert calls == [1]
