from codec_fixtures import any_codec, codec, face, tiny  # noqa: F401 fixtures
