"""Refinement: the latents of single images, optimised before they are coded.

The networks are held fixed.
"""
