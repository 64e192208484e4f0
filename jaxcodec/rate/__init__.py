"""Rates that were asked for: while training."""
