"""From integer symbols to bytes and back: tables, entropy coder, container.

Knows no model and no JAX.
"""
