"""Densities of symbols, as pure functions or Flax modules."""
