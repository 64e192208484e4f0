"""What makes XLA fast and quiet: compiler options, caches of programs, memory, devices, forms of
convolution.
"""
