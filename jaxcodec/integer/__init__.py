"""Integer networks: what decides the table of each symbol, the same on every device."""
