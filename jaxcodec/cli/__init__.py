"""The command line: `jaxcodec COMMAND ...`.

Each command is a module with `add_arguments(parser)` and `run(options)`.

Only encode, encode-set, decode, compare, export, import, train and eval load JAX, when their
arguments have been checked: help, info, verify and codecs answer at once.
"""

import importlib
import signal
import sys
import warnings

import jaxcodec
from jaxcodec import guard
from jaxcodec.cli import console, interrupts
from jaxcodec.errors import CodecError

_COMMANDS = {
    "encode": "compress images to .jxc files",
    "encode-set": "compress a folder of images in a budget for all together",
    "decode": "turn .jxc files back into images",
    "compare": "tell how far two pictures are apart",
    "verify": "check the symbols of .jxc files, without JAX",
    "info": "show what a .jxc or a .codec file says about itself",
    "codecs": "list the bundled codecs",
    "export": "turn a training checkpoint into a codec file",
    "import": "turn a checkpoint of another toolkit into a codec file",
    "train": "train a model, as train.py does",
    "eval": "measure codecs on a folder of pictures, as eval.py does",
}
"""The commands and what each is for. The module of "encode-set" is `encode_set`, and that of
"import" `import_`; `train` and `eval` are modules of the package itself.
"""

_EXAMPLE = (
    "example: jaxcodec encode photo.png photo.jxc --bpp 0.5; jaxcodec decode photo.jxc again.png"
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command in `arguments` (default: the process's own) and return its exit status.

    0 when all went well; 2 after an error, with one line on stderr for each; 130 after an interrupt
    and 143 after SIGTERM; 141 where nobody reads the output any more.
    """
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == [
        "train"
    ]:  # which reads its flags, heeds signals and ends the process by itself
        from jaxcodec import train

        train.run(["jaxcodec train", *given[1:]])
    console.prepare()
    warnings.filterwarnings("ignore", module=r"PIL\.")
    with interrupts.handled():
        try:
            status = _run(given)
        except CodecError as problem:  # standard output cannot take what was printed
            console.abandon_output()
            console.complain(problem)
            status = 2
        except KeyboardInterrupt:
            console.say("jaxcodec: interrupted", to_errors=True)
            status = interrupts.status()
        except BrokenPipeError:
            console.abandon_output()
            status = 128 + signal.SIGPIPE
    if (
        arguments is None and interrupts.came()
    ):  # threads of XLA that still work could crash an orderly end of the process
        console.end_process(status)
    return status


def _run(arguments: list[str]) -> int:
    try:
        status = guard.attempt(_dispatch, arguments)
        if isinstance(status, CodecError):
            console.complain(status)
            status = 2
        console.flush()
        return status
    except SystemExit:  # argparse, after --help
        console.flush()
        raise


def _dispatch(arguments: list[str]) -> int:
    from jaxcodec.cli.arguments import Parser, UsageError, nearest

    if arguments[:1] == ["eval"]:
        from jaxcodec import evaluate

        return evaluate.main(arguments[1:], program="jaxcodec eval")
    if arguments and arguments[0] in _COMMANDS:
        name, *rest = arguments
        module = "import_" if name == "import" else name.replace("-", "_")
        command = importlib.import_module(f"jaxcodec.cli.{module}")
        parser = Parser(prog=f"jaxcodec {name}", description=f"{_COMMANDS[name].capitalize()}.")
        command.add_arguments(parser)
        return command.run(parser.parse(rest))
    if arguments and not arguments[0].startswith("-"):
        raise UsageError(
            f"there is no command {arguments[0]!r}{nearest(arguments[0], _COMMANDS)} "
            f"(the commands are {', '.join(_COMMANDS)})"
        )
    parser = Parser(prog="jaxcodec", description="Learned image compression.", epilog=_EXAMPLE)
    parser.add_argument("--version", action="version", version=f"jaxcodec {jaxcodec.__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, purpose in _COMMANDS.items():
        commands.add_parser(name, help=purpose)
    parser.check_names(arguments)
    parser.parse_args(arguments)
    return 0
