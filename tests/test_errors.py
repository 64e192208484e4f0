"""What users can meet is one family of errors."""

import inspect

import pytest

from jaxcodec import errors
from jaxcodec.errors import BitstreamError, CodecError


@pytest.mark.parametrize("kind", [kind for _, kind in inspect.getmembers(errors, inspect.isclass)])
def test_every_error_is_caught_as_a_codec_error_and_says_what_it_is(kind):
    with pytest.raises(CodecError, match="^a sentence$"):
        raise kind("a sentence")
    assert kind.__doc__


@pytest.mark.parametrize("name", ["VersionError", "WrongCodecError", "TooLargeError"])
def test_whoever_catches_bad_files_catches_those_of_another_version_codec_or_size(name):
    assert issubclass(getattr(errors, name), BitstreamError)
