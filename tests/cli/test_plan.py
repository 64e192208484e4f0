"""Which file becomes which, and that nothing is overwritten unasked: with a codec that needs no
JAX.
"""

import hashlib
import os
import pathlib
import subprocess

import pytest
from painting import MAGIC, paint

from jaxcodec import files, image


def contents(folder: pathlib.Path) -> dict[str, str]:
    """Every file below a folder with a digest of it, and every folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else ""
        for path in folder.rglob("*")
    }


@pytest.fixture
def untouched(folder, fake, refused):
    """Runs a command line that is refused, and looks that no file was made, changed or removed, and
    nothing encoded.
    """

    def command(*arguments, words) -> None:
        before = contents(folder)
        refused(*arguments, words=words)
        assert contents(folder) == before
        assert fake.calls == []

    return command


def test_out_forgotten_after_a_glob(folder, untouched):
    paint("a.png", "b.png", "c.png")
    for force in ([], ["--force"]):
        untouched("encode", "a.png", "b.png", *force, words=["b.png exists", "not a .jxc file"])
        untouched("encode", "a.png", "b.png", "c.png", *force, words=["c.png exists", "folder"])
    untouched("encode", "a.png", "d.png", words=["d.png", "no name for a .jxc file"])
    untouched("encode", "a.png", "b.png", "d.jxc", words=["d.jxc", "folder"])
    untouched("encode", "a.png", "small.codec", words=["small.codec"])


@pytest.mark.parametrize("name", ["notes.txt", "photo.JPG", "picture.jxc"])
def test_encode_overwrites_nothing_but_what_it_made(folder, fake, untouched, name):
    (folder / name).write_bytes(b"a letter")
    for force in ([], ["--force"]):
        untouched(
            "encode", "photo.png", name, *force, words=[f"{name} exists and is not a .jxc file"]
        )


def test_an_existing_jxc_needs_force(folder, fake, run, untouched):
    (folder / "a.jxc").write_bytes(MAGIC + b"old")
    untouched("encode", "photo.png", "a.jxc", words=["a.jxc exists", "--force", "--skip-existing"])
    status, output, errors = run("encode", "photo.png", "a.jxc", "--skip-existing")
    assert (status, output) == (0, "") and "skipped 1 file" in errors
    assert (folder / "a.jxc").read_bytes() == MAGIC + b"old"
    assert run("encode", "photo.png", "a.jxc", "--force")[0] == 0
    assert (folder / "a.jxc").read_bytes() == MAGIC + bytes([90])


def test_an_empty_file_may_be_overwritten_by_force(folder, fake, run):
    (folder / "a.jxc").touch()
    assert run("encode", "photo.png", "a.jxc")[0] == 2
    assert run("encode", "photo.png", "a.jxc", "--force")[0] == 0


def test_a_folder_of_outputs_goes_on_where_it_was_left(folder, fake, run, untouched):
    paint("in/a.png", "in/b.png", "in/c.png")
    (folder / "out").mkdir()
    for name in "ab":
        (folder / "out" / f"{name}.jxc").write_bytes(MAGIC + b"old")
    untouched(
        "encode",
        "in",
        "out",
        words=["out/a.jxc exists already, and so do 1 more of 3 outputs", "--skip-existing"],
    )
    status, output, errors = run("encode", "in", "out", "--skip-existing")
    assert (status, errors) == (0, "jaxcodec: skipped 2 files whose output exists\n")
    assert output.startswith("in/c.png -> out/c.jxc") and output.count("\n") == 1
    assert (folder / "out" / "a.jxc").read_bytes() == MAGIC + b"old"
    assert run("encode", "in", "out", "--force", "--quiet") == (0, "", "")
    assert (folder / "out" / "a.jxc").read_bytes() == MAGIC + bytes([90])


def test_force_in_a_folder_spares_what_is_no_jxc_and_the_others_go_on(folder, fake, run):
    paint("in/a.png", "in/b.png")
    (folder / "out").mkdir()
    (folder / "out" / "a.jxc").write_bytes(b"a letter")
    (folder / "out" / "b.jxc").write_bytes(MAGIC)
    status, output, errors = run("encode", "in", "out", "--force")
    assert (
        status == 2
        and "out/a.jxc exists and is not a .jxc file" in errors
        and "1 of 2 files failed" in errors
    )
    assert output.startswith("in/b.png") and (folder / "out" / "a.jxc").read_bytes() == b"a letter"


def test_decode_beside_the_originals_replaces_none(folder, fake, run, untouched):
    paint("photos/a.png", "photos/b.jpg", level=7)
    assert run("encode", "photos", "photos", "--quiet") == (0, "", "")
    before = contents(folder)
    fake.calls.clear()
    untouched("decode", "photos", "photos", words=["photos/a.png exists already", "--force"])
    untouched("decode", "photos/a.jxc", "photos", words=["photos/a.png exists already", "--force"])
    untouched(
        "decode", "photos/a.jxc", "photos/a.png", words=["photos/a.png exists already", "--force"]
    )
    status, output, _ = run("decode", "photos", "photos", "--skip-existing")
    assert (
        status == 0
        and output.startswith("photos/b.jxc -> photos/b.png")
        and output.count("\n") == 1
    )
    assert contents(folder).items() > before.items()
    assert run("decode", "photos/a.jxc", "photos", "--force")[0] == 0


def same_file(how: str) -> str:
    """Another name of photo.png; returns the path."""
    if how == "hard link":
        os.link("photo.png", "other.jxc")
    elif how == "link":
        os.symlink("photo.png", "other.jxc")
    elif how == "link to its folder":
        os.symlink(".", "here")
        return "here/photo.png"
    elif how == "other spelling":
        return "../" + pathlib.Path.cwd().name + "/photo.png"
    else:
        return "photo.png"
    return "other.jxc"


@pytest.mark.parametrize(
    "how", ["hard link", "link", "link to its folder", "other spelling", "same name"]
)
def test_an_input_is_never_an_output(folder, fake, untouched, how):
    name = same_file(how)
    for force in ([], ["--force"]):
        untouched("encode", "photo.png", name, *force, words=[name, "is an input itself"])


def test_an_output_among_the_inputs(folder, fake, run, untouched):
    image.write("picture.png", image.read("photo.png"))
    os.rename("picture.png", "pic.jxc")  # an image whose name is that of a stream
    for force in ([], ["--force"]):
        untouched("encode", "pic.jxc", ".", *force, words=["pic.jxc is an input itself"])
    before = (folder / "pic.jxc").read_bytes()
    paint("pic.png")
    status, output, errors = run("encode", "pic.png", "photo.png", "pic.jxc", ".", "--force")
    assert status == 2 and (folder / "pic.jxc").read_bytes() == before
    assert "would both become" in errors
    status, output, errors = run("encode", "pic.png", "photo.png", ".", "--force")
    assert (
        status == 2
        and "pic.jxc exists and is not a .jxc file" in errors
        and output.startswith("photo.png -> photo.jxc")
    )
    assert (folder / "pic.jxc").read_bytes() == before


def test_decode_onto_a_stream_is_refused(folder, fake, run, untouched):
    (folder / "a.png").write_bytes(MAGIC + b"x")  # a stream whose name is that of an image
    for force in ([], ["--force"]):
        untouched("decode", "a.png", "a.png", *force, words=["is an input itself"])
        untouched("decode", "a.png", ".", *force, words=["is an input itself"])


def test_a_link_to_another_file_is_as_that_file(folder, fake, untouched):
    paint("dear.png")
    os.symlink("dear.png", "a.jxc")
    for force in ([], ["--force"]):
        untouched(
            "encode", "photo.png", "a.jxc", *force, words=["a.jxc exists and is not a .jxc file"]
        )


def test_a_file_that_appears_meanwhile_stays(folder, fake, refused):
    def appear(picture):
        (folder / "a.jxc").write_bytes(MAGIC + b"other")

    fake.before = appear
    refused("encode", "photo.png", "a.jxc", words=["a.jxc exists already"])
    assert (folder / "a.jxc").read_bytes() == MAGIC + b"other"
    assert sorted(path.name for path in folder.iterdir()) == ["a.jxc", "photo.png"]


def test_names_that_only_case_tells_apart(folder, fake, run, refused, monkeypatch):
    paint("in/a.png", "in/A.webp")
    assert run("encode", "in", "out")[0] == 0
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["A.jxc", "a.jxc"]
    monkeypatch.setattr(files, "probe_folder", lambda folder: True)  # as on a disk of macOS
    refused("encode", "in", "out", "--force", words=["would both become", "--keep-suffix"])


def test_two_inputs_for_one_output(folder, fake, run, untouched):
    paint("in/a.png", "in/a.jpg", "other/a.png")
    untouched(
        "encode",
        "in",
        "out",
        words=["in/a.jpg and in/a.png would both become out/a.jxc", "--keep-suffix"],
    )
    untouched("encode", "in/a.png", "other/a.png", "out", words=["rename one of them"])
    assert run("encode", "in", "out", "--keep-suffix", "--quiet") == (0, "", "")
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["a.jpg.jxc", "a.png.jxc"]
    fake.calls.clear()
    untouched("decode", "out", "back", words=["would both become back/a.png", "--keep-suffix"])
    assert run("decode", "out", "back", "--keep-suffix", "--quiet") == (0, "", "")
    assert sorted(path.name for path in (folder / "back").iterdir()) == ["a.jpg.png", "a.png.png"]
    assert run("decode", "out/a.jpg.jxc", "alone/", "--quiet") == (0, "", "")
    assert [path.name for path in (folder / "alone").iterdir()] == ["a.png"]


def test_an_input_given_twice_is_one(folder, fake, run):
    status, output, _ = run("encode", "photo.png", "photo.png", ".", "out")
    assert status == 0 and output.count("\n") == 1


def test_dots_in_names_stay(folder, fake, run):
    paint("in/holiday.2023.png", "in/v1.5.webp")
    assert run("encode", "in", "out")[0] == 0
    assert sorted(path.name for path in (folder / "out").iterdir()) == [
        "holiday.2023.jxc",
        "v1.5.jxc",
    ]
    assert run("decode", "out", "back")[0] == 0
    assert sorted(path.name for path in (folder / "back").iterdir()) == [
        "holiday.2023.png",
        "v1.5.png",
    ]


def test_a_folder_that_is_to_be_made(folder, fake, run):
    assert run("encode", "photo.png", "new/", "--quiet") == (0, "", "")
    assert [path.name for path in (folder / "new").iterdir()] == ["photo.jxc"]


def test_the_sub_folders_of_a_folder(folder, fake, run):
    paint("in/a.png", "in/sub/a.png", "in/sub/deep/b.webp", "in/.hidden/c.png", "in/x.png/d.png")
    (folder / "in" / "notes.txt").touch()
    (folder / "in" / "README").touch()
    (folder / "in" / "film.MOV").touch()
    (folder / "in" / "film2.mov").touch()
    (folder / "in" / "sub" / "notes.txt").touch()
    os.symlink(".", "in/again")
    status, output, errors = run("encode", "in", "out")
    assert status == 0 and output.count("\n") == 1
    assert errors.splitlines() == [
        "jaxcodec: passed over 5 files (.mov 2, .txt 1, hidden 1, no suffix 1) that are no images",
        "jaxcodec: passed over 3 sub-folders, which --recursive takes",
    ]
    status, output, errors = run("encode", "in", "all", "--recursive")
    made = sorted(str(path.relative_to(folder / "all")) for path in (folder / "all").rglob("*.jxc"))
    assert status == 0 and made == ["a.jxc", "sub/a.jxc", "sub/deep/b.jxc", "x.png/d.jxc"]
    assert "passed over 1 link to folders" in errors and ".txt 2" in errors
    assert run("decode", "all", "back", "--recursive", "--quiet") == (0, "", "")
    made = sorted(
        str(path.relative_to(folder / "back"))
        for path in (folder / "back").rglob("*.png")
        if path.is_file()
    )
    assert made == ["a.png", "sub/a.png", "sub/deep/b.png", "x.png/d.png"]


def test_the_output_folder_is_not_searched_for_inputs(folder, fake, run):
    paint("in/a.png", "in/out/b.png")
    assert run("encode", "in", "in/out", "--recursive", "--quiet") == (0, "", "")
    assert sorted(path.name for path in (folder / "in" / "out").iterdir()) == ["a.jxc", "b.png"]


def test_a_folder_with_images_only_deeper_says_so(folder, fake, untouched):
    paint("in/sub/a.png")
    untouched(
        "encode", "in", "out", words=["in holds no images", "1 sub-folder, which --recursive takes"]
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["encode", "missing.png", "a.jxc"], ["missing.png does not exist"]),
        (["encode", "empty", "out"], ["empty holds no images"]),
        (["decode", "empty", "out"], ["empty holds no .jxc files"]),
        (["encode", "photo.png", "nowhere/a.jxc"], ["nowhere/a.jxc", "No such file or directory"]),
        (["encode", "photo.png", "nowhere/out/"], ["nowhere/out", "No such file or directory"]),
        (["encode", "photo.png", "photo.png/a.jxc"], ["photo.png/a.jxc", "Not a directory"]),
        (["encode", "photo.png", "letter", "out"], ["out", "exists and is none"]),
        (["encode", "photo.png", "/sys/a.jxc"], ["/sys/a.jxc", "ermi"]),
        (["encode", "photo.png", "letter", "/sys/"], ["/sys/photo.jxc", "ermi"]),
        (["encode", "photo.png", "n" * 300 + ".jxc"], ["nnn.jxc", "File name too long"]),
        (["encode", "n" * 300 + ".png", "a.jxc"], ["nnn.png", "File name too long"]),
        (["encode", "photo.png", "loop"], ["loop", "symbolic link"]),
        (["encode", "photo.png", "a.jxc", "--codec", "nothing"], ["nothing", "codec"]),
        (
            ["encode", "photo.png", "a.jxc", "--codec", "photo.png"],
            ["photo.png is not a codec file"],
        ),
        (["encode", "-", "photo.png", "out"], ["standard input", "alone"]),
        (["encode", "-", "empty"], ["standard input has no name"]),
        (["encode", "photo.png", "letter", "-"], ["standard output takes one file"]),
        (["encode-set", "photo.png", "-", "--mean-bpp", "1"], ["a set needs a folder"]),
        (["decode", "letter", "a.gif"], ["a.gif", "suffixes"]),
        (["decode", "letter", "a"], ["format of a", "suffixes"]),
    ],
)
def test_what_cannot_be_is_refused_before_the_codec_is_loaded(
    folder, fake, untouched, monkeypatch, line, words
):
    monkeypatch.setattr(
        "jaxcodec.cli.picture_files.load_codec", lambda options: pytest.fail("the codec was loaded")
    )
    (folder / "empty").mkdir()
    (folder / "letter").touch()
    (folder / "out").touch()
    os.symlink("loop", "loop")
    untouched(*line, words=words)


def test_a_full_disk_is_found_before_the_codec_is_loaded(folder, fake, untouched, monkeypatch):
    def full(folder):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("jaxcodec.files.probe_folder", full)
    monkeypatch.setattr(
        "jaxcodec.cli.picture_files.load_codec", lambda options: pytest.fail("the codec was loaded")
    )
    untouched(
        "encode", "photo.png", "a.jxc", words=["cannot write a.jxc", "No space left on device"]
    )
    untouched("encode", "photo.png", "out/", words=["out/photo.jxc", "No space left on device"])


def test_a_name_that_grows_too_long_is_that_files_alone(folder, fake, run):
    long = "n" * 251 + ".png"
    paint(f"in/{long}", "in/a.png")
    status, output, errors = run("encode", "in", "out", "--keep-suffix")
    assert (
        status == 2
        and output.startswith("in/a.png")
        and "File name too long" in errors
        and long in errors
    )
    assert run("encode", "in", "other")[0] == 0


def test_an_unreadable_sub_folder_is_named_and_the_others_go_on(folder, fake, run, monkeypatch):
    paint("in/a.png", "in/sub/b.png")
    scan = os.scandir

    def scandir(path):
        if pathlib.Path(path).name == "sub":
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    status, output, errors = run("encode", "in", "out", "--recursive")
    assert status == 2 and output.startswith("in/a.png")
    assert "cannot read the folder in/sub: Permission denied" in errors


def test_a_missing_input_of_several_is_named_and_the_others_go_on(folder, fake, run):
    status, output, errors = run("encode", "missing.png", "photo.png", "out")
    assert status == 2 and output.startswith("photo.png -> out/photo.jxc")
    assert errors.splitlines() == [
        "jaxcodec: error: missing.png does not exist; give a file or a folder",
        "jaxcodec: error: 1 of 2 files failed",
    ]


def test_a_folder_made_for_nothing_is_removed(folder, fake, run):
    (folder / "bad.png").write_bytes(b"no image")
    assert run("encode", "bad.png", "out/")[0] == 2
    assert not (folder / "out").exists()
    (folder / "out").mkdir()
    assert run("encode", "bad.png", "out/")[0] == 2
    assert (folder / "out").exists()


def test_pipes_are_read_and_devices_written(folder, fake, run):
    os.mkfifo("pipe.png")
    feeder = subprocess.Popen(["cp", "photo.png", "pipe.png"])
    status, output, errors = run("encode", "pipe.png", "/dev/null")
    feeder.wait()
    assert (status, errors) == (0, "") and output.startswith("pipe.png -> /dev/null")
