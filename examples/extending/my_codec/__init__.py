"""Transforms, an entropy model and an objective from outside jaxcodec; docs/extending.md tells
about each.
"""
