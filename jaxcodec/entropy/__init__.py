"""Entropy models, a file each with all its lives, and what they share.

A model trains (`model.EntropyModel`), is frozen at export, and has an order in which its symbols
are coded (`order.Order`). `entropy_models` is the table of them.
"""
