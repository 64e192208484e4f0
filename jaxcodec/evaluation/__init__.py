"""Measuring codecs on real files: sweeps over pictures, classical baselines, curves, a report."""
