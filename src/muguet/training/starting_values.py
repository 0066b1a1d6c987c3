"""The method before its first step: random weights, and values measured on the training images."""

from __future__ import annotations

import torch
from torch import Tensor

from muguet.method import Method
from muguet.recipes.parts import Parts
from muguet.restoration.blind import neighbours_mean
from muguet.restoration.blur import gaussian_blur
from muguet.restoration.memory_format import kernels_channels_last
from muguet.restoration.optics import BehindOptics
from muguet.system.device import bfloat16_pays
from muguet.training.patches import PatchSource


def std_from_neighbours(source: PatchSource) -> float:
    """Return the root mean square difference of pixels and the mean of their neighbours, at which laws start."""
    noisy = source.draw(64, torch.Generator(source.device).manual_seed(0), augment=False).noisy
    return max(float((noisy - neighbours_mean(noisy)).square().mean().sqrt()), 1e-4)


def dark_level(source: PatchSource) -> Tensor:
    """Return the level of the darkest places: the 0.1th percentile of patches blurred with σ = 3 pixels."""
    noisy = source.draw(64, torch.Generator(source.device).manual_seed(0), augment=False).noisy
    return torch.quantile(gaussian_blur(noisy, 3.0).flatten(), 1e-3)


def build_method(parts: Parts, source: PatchSource, seed: int) -> Method:
    """Return the method of a run with random weights, on the device of the training set.

    Parameters
    ----------
    parts
        The parts of the method.
    source
        The training set, from which the first noise law and the first background follow.
    seed
        Seed of the weights.
    """
    std, device = std_from_neighbours(source), source.device
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        method = parts.build(std, bfloat16_pays(device, parts.dimensions))
    if isinstance(method.net, BehindOptics):
        method.net.dark = dark_level(source)
    method.to(device)
    kernels_channels_last(method)
    return method
