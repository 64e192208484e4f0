"""Trains a model: python -m jaxcodec.train --config=NAME|FILE --workdir=DIR [--config.steps=N ...].

No JAX is loaded before the command line has been read.
"""

import difflib
import os
import pathlib
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

import ml_collections
from absl import app, flags, logging
from ml_collections import config_flags

from jaxcodec import configs
from jaxcodec.errors import CodecError, TrainingError
from jaxcodec.training.settings import SETTINGS, Config

_USAGE = """\
usage: {program} --config=NAME|FILE[:ARGUMENT] --workdir=DIR [--config.SETTING=VALUE ...]

Trains a model, or goes on with the run that DIR holds.

  --config         a config file, or one that comes with the package:
{names}
  --workdir        folder for checkpoints, metrics and pictures
  --search         first search for the rate parameter and beta of the config's target
  --distributed    join the other processes of a cluster that JAX knows
  --coordinator    HOST:PORT of process 0, where JAX cannot find it; with it --processes, their number, and
                   --process, the number of this one from 0
  --lpips          folder of the weights of LPIPS, for a distortion of that name
  --nocompile_cache   keep no compiled programs in the user's cache folder
  --helpfull       the flags of all modules

settings, {whose}:

{settings}

example: {program} --config=mean_scale_small --workdir=runs/small --config.data.folders=PHOTOS --config.steps=500
"""  # noqa: E501

_KINDS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    tuple: "numbers in brackets, '(0.0, 1.0)' say",
    ml_collections.ConfigDict: "its settings one by one",
}


def run(argv: Sequence[str] | None = None) -> None:
    """Runs the command line of `argv` (default: the process's own) and ends the process.

    Status 0 when all steps are done, 2 after an error that the user can mend, 143 when a signal
    came first.
    """
    logging.set_verbosity(logging.INFO)
    # Orbax and JAX log every phase of their work through the same logger; only their warnings
    # concern a user.
    logging.get_absl_handler().addFilter(
        lambda record: (
            record.levelno > 20
            or not any(name in record.pathname for name in ("orbax", "jax/_src"))
        )
    )
    define(flags.FLAGS)
    app.run(_main, argv=list(argv or sys.argv), flags_parser=_parse)


def define(values: flags.FlagValues) -> None:
    """Defines all flags but those of the config, which `read` defines."""
    flags.DEFINE_string("workdir", None, "Folder for checkpoints, metrics and pictures.", values)
    flags.DEFINE_bool(
        "search",
        False,
        "First search for the rate parameter and beta of the config's target.",
        values,
    )
    flags.DEFINE_bool(
        "distributed", False, "Join the other processes of a cluster that JAX knows.", values
    )
    flags.DEFINE_string(
        "coordinator", None, "HOST:PORT of process 0, where JAX cannot find it.", values
    )
    flags.DEFINE_integer(
        "processes", None, "Number of processes, with --coordinator.", flag_values=values
    )
    flags.DEFINE_integer(
        "process", None, "Number of this process from 0, with --coordinator.", flag_values=values
    )
    flags.DEFINE_string(
        "lpips", None, "Folder of the weights of LPIPS (default: JAXCODEC_LPIPS).", values
    )
    flags.DEFINE_bool(
        "compile_cache", True, "Keep compiled programs in the user's cache folder.", values
    )


def _parse(argv: Sequence[str]) -> list[str]:
    """Reads the config and the flags; what does not fit is one sentence and exit status 2."""
    try:
        return read(argv, flags.FLAGS)
    except CodecError as error:
        _fail(error, argv)


def read(argv: Sequence[str], values: flags.FlagValues) -> list[str]:
    """Parses a command line into flags, `values.config` among them: the settings of the config with
    those given in its place.

    Raises:
      TrainingError: a flag, a config or a setting that there is none of, or a value of another
        type.
    """
    name, rest = _take_config(values.read_flags_from_files(argv, force_gnu=False))
    config = configs.load(name) if name else None
    if any(argument in ("-h", "-help", "--help", "--helpshort") for argument in rest):
        print(_help(_program(argv[0]), name, config))
        sys.exit(0)
    if config is None:
        if any(argument.startswith("--help") for argument in rest):
            return values(rest)
        raise TrainingError(
            f"--config is missing; give a file, or one of {', '.join(configs.available())}"
        )
    _check_names(rest, config)
    before = dict(_flat(config))
    try:
        config_flags.DEFINE_config_dict("config", config, "The experiment.", values, sys_argv=rest)
        positional = values(rest)
    except flags.IllegalFlagValueError as error:
        raise TrainingError(_wrong_value(error, before)) from error
    except (flags.Error, AttributeError, KeyError, TypeError, ValueError) as error:
        raise TrainingError(f"{' '.join(str(error).split())}; see --help") from error
    config_flag: Any = values["config"]  # of a class of ml_collections
    _check_tuples(config_flag.override_values, before)
    if positional[1:]:
        raise TrainingError(f"{positional[1]!r} is not a flag; see --help")
    if not values.workdir:
        raise TrainingError("--workdir is missing; give the folder for the run")
    return positional


def _main(argv: list[str]) -> None:
    """Trains, and turns errors into one sentence and exit status 2."""
    from jaxcodec import guard
    from jaxcodec.distortions import lpips
    from jaxcodec.runtime import compile_cache, memory
    from jaxcodec.training import rate_search, sharding, train_loop

    given = flags.FLAGS
    memory.keep_freed_memory()
    if given.lpips:
        os.environ[lpips.FOLDER] = given.lpips
    if given.compile_cache:
        compile_cache.enable()
    try:
        sharding.initialise_distributed(
            given.coordinator, given.processes, given.process, cluster=given.distributed
        )
        train = rate_search.search if given.search else train_loop.train
        finished = train(given.config, given.workdir)
    except CodecError as error:
        _fail(error, argv)
    except KeyboardInterrupt:
        print(
            f"{pathlib.Path(argv[0]).name}: interrupted; the same command goes on from the newest "
            "checkpoint",
            file=sys.stderr,
        )
        sys.exit(130)
    except Exception as problem:
        _fail(guard.as_codec_error(problem), argv)
    if not finished:
        logging.warning(
            "stopped by SIGTERM; the state is saved, and the same command goes on from it"
        )
        sys.exit(143)


def _fail(error: Exception, argv: Sequence[str]) -> NoReturn:
    print(f"{pathlib.Path(argv[0]).name}: error: {' '.join(str(error).split())}", file=sys.stderr)
    sys.exit(2)


def _take_config(argv: Sequence[str]) -> tuple[str | None, list[str]]:
    """What --config says, the last one, and the command line without it."""
    name, rest = None, []
    left = iter(argv)
    for argument in left:
        if match := re.fullmatch(r"--?config(?:=(.*))?", argument, re.DOTALL):
            name = next(left, "") if match[1] is None else match[1]
        else:
            rest.append(argument)
    return name, rest


def _check_names(argv: Sequence[str], config: Config) -> None:
    """Raises TrainingError for a --config.SETTING that the config has not, with the one that is
    nearest.
    """
    known = dict(_flat(config))
    for argument in argv:
        match = re.match(r"--?(?:no)?config\.([^=\[]*)", argument)
        if not match or match[1] in known:
            continue
        raise TrainingError(
            f"the config has no setting config.{match[1]}; {_suggestion(match[1], list(known))}"
        )


def _suggestion(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if not near:  # the right name in another place
        last = {path.rsplit(".", 1)[-1]: path for path in known}
        near = [
            last[found] for found in difflib.get_close_matches(name.rsplit(".", 1)[-1], last, n=1)
        ]
    return f"did you mean config.{near[0]}?" if near else "--help lists them"


def _flat(config: Config, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """All settings by their names, with dots; groups of them too."""
    for name, value in config.items():
        yield prefix + name, value
        if isinstance(value, ml_collections.ConfigDict):
            yield from _flat(value, f"{prefix}{name}.")


def _wrong_value(error: Exception, before: Mapping[str, Any]) -> str:
    match = re.match(r"flag --config\.([^=]*)=(.*?): ", str(error), re.DOTALL)
    kind = _KINDS.get(type(before.get(match[1]))) if match else None
    if match is None or kind is None:
        return " ".join(str(error).split())
    return f"config.{match[1]} cannot be {match[2]!r}; give {kind}"


def _check_tuples(given: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    """Raises TrainingError for words where numbers are meant, which the flags take: '(a, b)',
    say.
    """
    for name, values in given.items():
        if not isinstance(values, tuple) or any(
            isinstance(value, str) for value in before.get(name) or ()
        ):
            continue
        if not all(isinstance(value, (int, float)) for value in values):
            raise TrainingError(f"config.{name} cannot be {values!r}; give {_KINDS[tuple]}")


def _program(path: str) -> str:
    """How this command is called."""
    if pathlib.Path(path).resolve() == pathlib.Path(__file__).resolve():
        return "python -m jaxcodec.train"
    return f"python {path}" if path.endswith(".py") else path


def _help(program: str, name: str | None, config: Config | None) -> str:
    values = dict(_flat(config)) if config is not None else {}
    rows = []
    for setting in SETTINGS:
        value = values.get(setting.name, setting.default)
        if setting.name == "model" or (config is not None and setting.name not in values):
            continue
        shown = "" if value is None or value == "" else str(value)
        words = f"{setting.help}; {setting.valid.words}" if setting.valid else setting.help
        rows.append(f"  --config.{setting.name:<32} {shown:<16} {words}")
    rows += [
        f"  --config.{path:<32} {value}"
        for path, value in values.items()
        if path.startswith("model.") and not isinstance(value, ml_collections.ConfigDict)
    ]
    names = textwrap.fill(
        ", ".join(configs.available()), 100, initial_indent=" " * 19, subsequent_indent=" " * 19
    )
    whose = f"as {name} has them" if name else "with their defaults; with --config=NAME, its own"
    return _USAGE.format(
        program=program, names=names, whose=whose, settings="\n".join(rows)
    ).rstrip()


if __name__ == "__main__":
    run()
