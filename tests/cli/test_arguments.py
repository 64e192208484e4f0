"""Arguments: what makes no sense is one sentence, before any work."""

import argparse
import math

import pytest

from jaxcodec.cli import arguments
from jaxcodec.cli.arguments import Parser, UsageError


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ([], ["required", "COMMAND"]),
        (["encod", "a", "b"], ["'encod'", "did you mean encode?"]),
        (["decoed"], ["did you mean decode?"]),
        (["polish"], ["'polish'", "encode, encode-set, decode"]),
        (["--js"], ["--js"]),
        (["encode"], ["required", "IN, OUT"]),
        (["encode", "photo.png"], ["required", "OUT"]),
        (["encode", "a", "b", "--qualty", "50"], ["no option --qualty", "did you mean --quality?"]),
        (
            ["encode", "a", "b", "--max_bytes=5"],
            ["no option --max_bytes", "did you mean --max-bytes?"],
        ),
        (["encode", "a", "b", "--qual", "5"], ["no option --qual"]),
        (
            ["encode", "a", "b", "--bpp", "1", "--quality", "2"],
            ["--quality", "not allowed with", "--bpp"],
        ),
        (["encode", "a", "b", "--force", "--skip-existing"], ["not allowed with"]),
        (["encode", "a", "b", "--coder", "morse"], ["morse", "host"]),
        (["encode", "a", "b", "--bpp"], ["--bpp", "expected one argument"]),
        (["encode", "", "b"], ["empty name"]),
        (["encode", "a", ""], ["empty name"]),
        (["decode", "a", "", "--format", "png"], ["empty name"]),
        (["encode", "a", "b", "--codec", ""], ["--codec", "empty name"]),
        (["decode", "a", "b", "--format", "gif"], ["gif", "png"]),
        (["encode-set", "a", "b"], ["--total-bytes", "--mean-bpp", "required"]),
        (["encode-set", "a", "b", "--mean-bpp", "-1"], ["'-1' makes no sense"]),
        (
            ["encode-set", "a", "b", "--total-bytes", "2.5"],
            ["'2.5' makes no sense", "whole number of bytes"],
        ),
        (
            ["encode", "a", "b", "--effort", "3", "--refine", "25"],
            ["--refine: not allowed with argument --effort"],
        ),
        (["info"], ["required", "FILE"]),
        (["info", "a", "b"], ["unrecognized arguments: b"]),
        (["import", "a", "b.codec"], ["required", "--images"]),
    ],
)
def test_wrong_usage_is_one_sentence(refused, line, words):
    refused(*line, words=words)


@pytest.mark.parametrize(
    ("option", "values", "words"),
    [
        ("--bpp", ["0", "-1", "nan", "inf", "1e308", "x", ""], "bits per pixel"),
        ("--max-bytes", ["0", "-5", "1.5", "nan", "inf", "many"], "whole number of bytes"),
        ("--psnr", ["0", "-3", "100", "nan", "inf"], "above 0 and below 100"),
        ("--ms-ssim", ["0", "1", "-.1", "nan"], "above 0 and below 1"),
        ("--quality", ["101", "-1", "-.001", "nan", "inf"], "from 0 to 100"),
        ("--refine", ["0", "-1", "1.5", "nan"], "leave --refine out"),
        ("--effort", ["-1", "10", "1.5", "nan"], "whole number from 0 to 9"),
        ("--max-pixels", ["0", "-1", "1e6"], "whole number of pixels"),
    ],
)
def test_numbers_that_make_no_sense_are_refused_before_anything_is_read(
    refused, option, values, words
):
    for value in values:
        refused(
            "encode",
            "missing.png",
            "a.jxc",
            f"{option}={value}",
            words=[option, f"'{value}' makes no sense", words],
        )


def test_numbers_at_their_limits_are_taken():
    assert [arguments.QUALITY(text) for text in ("0", "100", "99.99")] == [0, 100, 99.99]
    assert arguments.BPP("1e-3") == 1e-3 and arguments.BPP("300") == 300
    assert arguments.BYTES("1") == 1 and isinstance(arguments.BYTES("1"), int)
    assert arguments.STEPS("1") == 1
    assert [arguments.EFFORT(text) for text in "09"] == [0, 9]


def test_number_names_what_it_was_given():
    parse = arguments.number("a number above 7", lambda value: value > 7)
    assert parse("8.5") == 8.5
    with pytest.raises(
        argparse.ArgumentTypeError, match=r"'7' makes no sense; give a number above 7"
    ):
        parse("7")
    assert math.isinf(float("inf"))
    with pytest.raises(argparse.ArgumentTypeError, match="'inf'"):
        parse("inf")


def test_options_may_stand_between_names():
    parser = Parser(prog="command")
    arguments.add_files(parser, "", "")
    for line in (
        ["a", "b", "--json", "c"],
        ["--json", "a", "b", "c"],
        ["a", "--json", "b", "c"],
        ["a", "b", "c", "--json"],
    ):
        options = parser.parse(line)
        assert (options.inputs, options.output, options.json) == (["a", "b"], "c", True)
    options = parser.parse(["--json", "--", "-a", "--b"])
    assert (options.inputs, options.output) == (["./-a"], "./--b")
    with pytest.raises(UsageError, match="no option --jsn; did you mean --json"):
        parser.parse(["a", "--jsn", "b"])


@pytest.mark.parametrize(
    "line", [["--help"], ["encode", "--help"], ["import", "--help"], ["encode-set", "-h"]]
)
def test_help_ends_with_status_0(run, line):
    status, output, errors = run(*line)
    assert status == 0 and output.startswith("usage: jaxcodec") and errors == ""


def test_eval_hands_its_arguments_on(run, monkeypatch):
    given = []
    monkeypatch.setattr(
        "jaxcodec.evaluate.main", lambda arguments, program: given.append((arguments, program)) or 0
    )
    assert run("eval", "--codec", "default", "--help") == (0, "", "")
    assert given == [(["--codec", "default", "--help"], "jaxcodec eval")]


def test_train_hands_its_arguments_on(run, monkeypatch):
    given = []

    def train(arguments):
        given.extend(arguments)
        raise SystemExit(143)

    monkeypatch.setattr("jaxcodec.train.run", train)
    assert run("train", "--workdir=runs", "--help") == (143, "", "")
    assert given == ["jaxcodec train", "--workdir=runs", "--help"]


def test_help_names_the_default_quality(run):
    from jaxcodec.codec.pictures import DEFAULT_QUALITY

    _, output, _ = run("encode", "--help")
    assert f"; {DEFAULT_QUALITY:g} where nothing is asked for" in " ".join(output.split())
