"""Ctrl-C and SIGTERM end a command in good order."""

import signal

import pytest
from painting import paint


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_ends_a_folder_and_leaves_nothing_half_done(folder, fake, run, number, status):
    paint("in/a.png", "in/b.png", "in/c.png")

    def before(picture):
        if len(fake.calls) == 2:
            signal.raise_signal(number)

    fake.before = before
    found, output, errors = run("encode", "in", "out")
    assert (found, errors) == (status, "jaxcodec: interrupted\n")
    assert output.count("\n") == 1 and [path.name for path in (folder / "out").iterdir()] == [
        "a.jxc"
    ]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


def test_an_interrupt_that_python_drops_is_not_lost(folder, fake, run):
    paint("in/a.png", "in/b.png", "in/c.png")

    class Dropping:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)  # its exception is only printed

    def before(picture):
        if len(fake.calls) == 1:
            Dropping()

    fake.before = before
    status, output, errors = run("encode", "in", "out")
    assert (status, errors) == (130, "jaxcodec: interrupted\n")
    assert [path.name for path in (folder / "out").iterdir()] == ["a.jxc"]


def test_a_signal_that_is_ignored_stays_so(folder, fake, run, monkeypatch):
    fake.before = lambda picture: signal.raise_signal(signal.SIGINT)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as under nohup
    try:
        assert run("encode", "photo.png", "a.jxc", "--quiet") == (0, "", "")
    finally:
        signal.signal(signal.SIGINT, before)
