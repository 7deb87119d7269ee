"""Read what the feature pipeline left on the volume."""

import torch


def load(path: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs (n, width), scaled to unit variance, and labels (n,) of 0 and 1."""
    stored = torch.load(path, weights_only=True)
    inputs = stored["inputs"].float()
    return inputs / inputs.std(dim=0).clamp(min=1e-6), stored["labels"].float()
