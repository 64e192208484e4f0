"""Many pictures with one budget."""
