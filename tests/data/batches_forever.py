"""Sends two workers a Ctrl-C as they start, draws ten batches, prints their ids, and waits:
batches_forever.py FOLDER.
"""

import multiprocessing
import os
import signal
import sys
import threading
import time

from jaxcodec import data


def interrupt():
    while len(children := multiprocessing.active_children()) < 2:
        time.sleep(0.01)
    for child in children:
        os.kill(child.pid, signal.SIGINT)


if __name__ == "__main__":
    threading.Thread(target=interrupt).start()
    batches = data.training_batches(
        data.open_folder(sys.argv[1]), batch_size=2, crop=8, seed=0, workers=2
    )
    for _ in range(10):
        next(batches)
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    time.sleep(60)
