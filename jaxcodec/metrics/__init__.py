"""Measures of distortion between images, and of the distance between rate-distortion curves."""
