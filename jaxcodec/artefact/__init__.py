"""The .codec file: its content, how it is made from a trained model, and the bundled ones."""
