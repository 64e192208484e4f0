"""Rates that were asked for: while training, and of files of any codec."""
