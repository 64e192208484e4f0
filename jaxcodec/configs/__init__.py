"""The experiments that come with the package: the files NAME.py in this folder, each with a
function `get_config`.
"""

import difflib
import inspect
import pathlib
import sys
import traceback
import types
from collections.abc import Callable

import ml_collections

from jaxcodec.errors import CodecError, TrainingError
from jaxcodec.training.settings import Config

FOLDER = pathlib.Path(__file__).resolve().parent


def available() -> list[str]:
    """The names of the configs that come with the package, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")


def find(name_or_path: str) -> pathlib.Path:
    """The config file at that path, or else the one of that name that comes with the package.

    NAME, NAME.py and configs/NAME.py all name the latter.

    Raises:
      TrainingError: there is neither.
    """
    path = pathlib.Path(name_or_path)
    if path.is_file():
        return path
    if (
        path.parent in (pathlib.Path(), pathlib.Path("configs"))
        and path.suffix in ("", ".py")
        and path.stem in available()
    ):
        return FOLDER / f"{path.stem}.py"
    near = difflib.get_close_matches(path.stem, available(), n=1)
    remedy = (
        f"did you mean {near[0]}?"
        if near
        else f"give the path of one, or one of {', '.join(available())}"
    )
    raise TrainingError(f"there is no config {name_or_path}; {remedy}")


def load(name: str) -> Config:
    """The settings that a config gives: of its path or name, and behind a colon what its
    `get_config` takes.

    "mean_scale_small", "configs/cheng2020.py:attention-3".

    Raises:
      TrainingError: there is no such config, it cannot be run, has no `get_config`, or gives no
        settings.
    """
    name, colon, argument = name.partition(":")
    path = find(name)
    get_config = _get_config(path)
    if colon and not inspect.signature(get_config).parameters:
        raise TrainingError(
            f"the config {path} takes nothing behind a colon, and {argument!r} was given; leave it "
            "out"
        )
    config = _call(path, get_config, *([argument] if colon else []))
    if not isinstance(config, ml_collections.ConfigDict):
        raise TrainingError(
            f"get_config of {path} gives {type(config).__name__}, not a ConfigDict; let it change "
            "and return "
            "jaxcodec.training.config.default_config()"
        )
    return config


def _get_config(path: pathlib.Path) -> Callable:
    try:
        code = compile(path.read_bytes(), str(path), "exec")
    except SyntaxError as error:
        raise TrainingError(f"{path}, line {error.lineno}: {error.msg}; mend the config") from error
    except (OSError, ValueError) as error:  # ValueError: zero bytes
        raise TrainingError(f"the config {path} cannot be read ({error})") from error
    module = types.ModuleType(f"jaxcodec_config_{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses look there for the module of a class
    _call(path, exec, code, module.__dict__)
    if not callable(getattr(module, "get_config", None)):
        raise TrainingError(
            f"the config {path} has no function get_config; let it return the settings of a run"
        )
    return module.get_config


def _call(path: pathlib.Path, function: Callable, *arguments):
    """The result of the function of a config.

    An error in its code is reported with the line of the config that led to it.
    """
    try:
        return function(*arguments)
    except CodecError:
        raise
    except Exception as error:
        lines = [
            frame.lineno
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename == str(path)
        ]
        place = f"{path}, line {lines[-1]}" if lines else str(path)
        problem = f"{type(error).__name__}: {' '.join(str(error).split())}"
        remedy = "; mend the config"
        if function is not exec and arguments:
            remedy += f", or {arguments[0]!r} behind the colon"
        raise TrainingError(f"{place}: {problem}{remedy}") from error
