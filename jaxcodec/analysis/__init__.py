"""What a trained codec knows of its data (Hepburn et al. 2022, arXiv 2106.04427)."""
