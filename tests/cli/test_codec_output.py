"""export and import: what they print, and that they overwrite nothing unasked."""

import pytest
import small_codecs

from jaxcodec.artefact import codec_file


@pytest.fixture
def content(monkeypatch):
    """What both commands write, without a run or a checkpoint to make it from."""
    made = small_codecs.content("tiny")

    def export(workdir, path, images, *, overwrite, allow=(), tables="fitted"):
        codec_file.save(path, made, overwrite=overwrite)
        return made

    def import_codec(checkpoint, images, path, *, name, overwrite):
        return export(checkpoint, path, images, overwrite=overwrite)

    monkeypatch.setattr("jaxcodec.training.run_export.export", export)
    monkeypatch.setattr("jaxcodec.importing.codec.import_codec", import_codec)
    return made


def lines(output: str) -> list[list[str]]:
    return [["export", "workdir", output], ["import", "net.pth", output, "--images", "."]]


def test_they_say_what_they_wrote(folder, run, content):
    for line in lines("a.codec"):
        status, output, errors = run(*line, "--force")
        size = (folder / "a.codec").stat().st_size
        assert (status, errors) == (0, "")
        assert output.startswith(f"{line[1]} -> a.codec: {size:,} bytes, id {content.id}, 0.20 ")


def test_export_of_a_missing_folder_is_refused(folder, refused):
    refused("export", "nowhere", "a.codec", words=["nowhere"])
    assert not (folder / "a.codec").exists()


def test_nothing_is_overwritten_unasked(folder, run, refused, content):
    (folder / "letter.codec").write_bytes(b"a letter")
    (folder / "net.pth").write_bytes(b"weights")
    codec_file.save("a.codec", content)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    for line in lines("a.codec"):
        refused(*line, words=["a.codec exists already; --force overwrites it"])
    for force in ([], ["--force"]):
        for line in lines("letter.codec"):
            refused(*line, *force, words=["letter.codec exists and is not a codec file"])
        refused(
            "import",
            "net.pth",
            "net.pth",
            "--images",
            ".",
            *force,
            words=["net.pth is an input itself"],
        )
        refused("export", ".", "net.pth", *force, words=["net.pth exists and is not a codec file"])
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    for line in lines("a.codec"):
        assert run(*line, "--force")[0] == 0


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("nowhere/a.codec", ["nowhere/a.codec", "No such file or directory"]),
        ("new.png", ["new.png is no name for a codec file", ".codec"]),
        (".", ["it is a folder"]),
        ("n" * 300, ["File name too long"]),
        ("", ["empty name"]),
    ],
)
def test_an_output_that_cannot_be_is_found_before_the_work(
    folder, refused, monkeypatch, output, words
):
    for name in ("jaxcodec.training.run_export.export", "jaxcodec.importing.codec.import_codec"):
        monkeypatch.setattr(name, lambda *_, **__: pytest.fail("the work began"))
    for line in lines(output):
        refused(*line, words=words)
