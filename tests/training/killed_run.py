"""Trains the tiny config and kills its own process at a given moment: killed_run.py WORKDIR IMAGES
EVENT STEP.

EVENT "report" kills when the metrics of STEP have just been written; "save" as soon as Orbax has
begun, in its own threads, to write the checkpoint of STEP.
"""

import os
import signal
import sys

from tiny_config import get_config

from jaxcodec.runtime import compile_cache
from jaxcodec.training import train_loop
from jaxcodec.training.checkpoints import Checkpoints
from jaxcodec.training.reporting import Reporter


def kill_after(method, last_step):
    """`method(self, step, ...)`, followed by the end of this process where the step is
    `last_step`.
    """

    def wrapped(self, step, *arguments):
        method(self, step, *arguments)
        if step == last_step:
            os.kill(os.getpid(), signal.SIGKILL)

    return wrapped


if __name__ == "__main__":
    compile_cache.enable()
    workdir, images, event, step = sys.argv[1:]
    if event == "report":
        Reporter.scalars = kill_after(Reporter.scalars, int(step))
    else:
        Checkpoints.save = kill_after(Checkpoints.save, int(step))
    config = get_config()
    config.data.folders = images
    train_loop.train(config, workdir)
