"""Draws one batch with two workers, prints their process ids, and waits: batches_forever.py FOLDER."""

import multiprocessing
import sys
import time

from jaxcodec import data

if __name__ == "__main__":
    batches = data.training_batches(data.open_folder(sys.argv[1]), batch_size=2, crop=8, seed=0, workers=2)
    next(batches)
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    time.sleep(60)
