"""Values measured on the training images, from which the learning starts."""

from __future__ import annotations

import torch
from torch import Tensor

from muguet.restoration.blind import neighbours_mean
from muguet.restoration.blur import gaussian_blur
from muguet.training.patches import PatchSource


def std_from_neighbours(source: PatchSource) -> float:
    """Return the root mean square difference of pixels and the mean of their neighbours, at which laws start."""
    noisy = source.draw(64, torch.Generator(source.device).manual_seed(0), augment=False).noisy
    return max(float((noisy - neighbours_mean(noisy)).square().mean().sqrt()), 1e-4)


def dark_level(source: PatchSource) -> Tensor:
    """Return the level of the darkest places: the 0.1th percentile of patches blurred with σ = 3 pixels."""
    noisy = source.draw(64, torch.Generator(source.device).manual_seed(0), augment=False).noisy
    return torch.quantile(gaussian_blur(noisy, 3.0).flatten(), 1e-3)
