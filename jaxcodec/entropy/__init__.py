"""Probability models of quantised latents, and the surrogates that stand for rounding in
training.
"""
