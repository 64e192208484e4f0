"""What makes XLA fast and quiet.

Compiler options, caches of programs, memory, devices, forms of convolution.
"""
