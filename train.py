"""Trains a model: python train.py --config=NAME|FILE --workdir=DIR. The same as `python -m
jaxcodec.train`.
"""

from jaxcodec import train

if __name__ == "__main__":
    train.run()
