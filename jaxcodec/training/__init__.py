"""Runs: from a config to checkpoints that `export` makes a codec of."""
