"""Analysis and synthesis networks: pure functions of an image or a latent, and of the quality."""
