"""Trains a model: python train.py --config=configs/NAME.py --workdir=DIR [--config.steps=N ...]."""

import sys

from absl import app, flags, logging
from ml_collections import config_flags

_CONFIG = config_flags.DEFINE_config_file("config", None, "The experiment, a file of configs/.")
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder for checkpoints, metrics and pictures; a run there is resumed.")
_DISTRIBUTED = flags.DEFINE_bool("distributed", False, "Join the other processes of a cluster that JAX knows.")
_COORDINATOR = flags.DEFINE_string("coordinator", None, "HOST:PORT of process 0, where JAX cannot find it.")
_PROCESSES = flags.DEFINE_integer("processes", None, "Number of processes, with --coordinator.")
_PROCESS = flags.DEFINE_integer("process", None, "Number of this process from 0, with --coordinator.")
_SEARCH = flags.DEFINE_bool("search", False, "First search for the rate parameter and beta of the config's target.")
_COMPILE_CACHE = flags.DEFINE_bool("compile_cache", True, "Keep compiled programs in the user's cache folder.")


def parse(argv):
    """Parses flags and reads the config; a name or a value that does not fit is one sentence and exit status 2."""
    from jaxcodec.errors import CodecError

    try:
        rest = flags.FLAGS(argv)
        _ = _CONFIG.value.steps  # a config file that cannot be read complains when it is first used
        return rest
    except (AttributeError, KeyError) as error:
        problem = f"the config has no setting {str(error).strip(chr(34))}"
    except (CodecError, flags.Error, TypeError, ValueError, OSError) as error:
        problem = " ".join(str(error).split())
    print(f"train.py: error: {problem}; see --help and the config file", file=sys.stderr)
    sys.exit(2)


def main(argv):
    """Parses flags, trains, and turns errors that a user can meet into one sentence and exit status 2."""
    del argv
    from jaxcodec import compile_cache, memory
    from jaxcodec.errors import CodecError
    from jaxcodec.training import loop, rate_search, sharding

    memory.keep_freed_memory()
    if _COMPILE_CACHE.value:
        compile_cache.enable()
    try:
        if _DISTRIBUTED.value or _COORDINATOR.value:
            sharding.initialise_distributed(_COORDINATOR.value, _PROCESSES.value, _PROCESS.value)
        train = rate_search.search if _SEARCH.value else loop.train
        finished = train(_CONFIG.value, _WORKDIR.value)
    except CodecError as error:
        print(f"train.py: error: {error}", file=sys.stderr)
        sys.exit(2)
    if not finished:
        logging.warning("stopped by SIGTERM; the state is saved, and the same command goes on from it")
        sys.exit(143)


if __name__ == "__main__":
    logging.set_verbosity(logging.INFO)
    # Orbax and JAX tell every phase of their work through the same logger; only their warnings concern a user.
    logging.get_absl_handler().addFilter(
        lambda record: record.levelno > 20 or not any(name in record.pathname for name in ("orbax", "jax/_src"))
    )
    flags.mark_flags_as_required(["config", "workdir"])
    app.run(main, flags_parser=parse)
