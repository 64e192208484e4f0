"""PyTorch's checkpoint files, read without PyTorch."""
