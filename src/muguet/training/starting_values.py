"""What the images say before anything is learned from them."""

from __future__ import annotations

import torch
from torch import Tensor

from muguet.restoration.blind import neighbours_mean
from muguet.restoration.blur import gaussian_blur
from muguet.training.patches import PatchSource


def first_error(source: PatchSource) -> float:
    """How far pixels lie from the mean of their neighbours: the error that the first estimates will have."""
    noisy = source.draw(64, torch.Generator(source.device).manual_seed(0), augment=False).noisy
    return max(float((noisy - neighbours_mean(noisy)).square().mean().sqrt()), 1e-4)


def darkest(source: PatchSource) -> Tensor:
    """How dark the darkest places are: all but a thousandth of the images, blurred until little noise is left."""
    noisy = source.draw(64, torch.Generator(source.device).manual_seed(0), augment=False).noisy
    return torch.quantile(gaussian_blur(noisy, 3.0).flatten(), 1e-3)
