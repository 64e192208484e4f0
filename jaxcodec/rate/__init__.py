"""Rates that were asked for: files of a given size or closeness from any codec."""
