from codec_fixtures import face  # noqa: F401 a fixture
