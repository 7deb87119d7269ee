"""The jobs of the training operator: one small module each, and what they share in `shared`."""
