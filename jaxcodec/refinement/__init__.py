"""Refinement: the latents of single images, optimised with the networks held fixed, before they are
coded.
"""
