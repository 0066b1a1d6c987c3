"""A trained denoiser of muguet in one file that needs PyTorch only: camera counts in, denoised camera counts out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIGMAS = (0.6, 0.9, 1.3, 1.9, 2.8, 4.0)  # Standard deviations of the blurs of `FilterBank`, in pixels.
INPUT_SIGMAS = (0.9, 1.9, 4.0)  # The blurs that the U-Net of `FilterBankNet` sees.
SHIFT, LEVEL, UNIT = 0.375, 10.0, 3.0  # Constants of the Anscombe transform and of the units after it.


class Muguet(nn.Module):
    """The denoiser: images ``(b, c, *space)`` in camera counts become estimates of the signal in camera counts.

    For each channel, units = (counts − offset) / scale. The estimate is the weighted mean of the trained network, of
    the prior and of a Gaussian blur. The image is reflected at its borders, so that these are estimated like the rest.

    Parameters
    ----------
    net, prior
        Descriptions of the trained network and of the prior, see `build`; None: it has no weight.
    channels
        For each channel the numbers "offset", "scale", "trained", "prior", "blur" (the three weights) and "sigma" (the
        standard deviation of the blur, in pixels).
    halo
        Number of pixels by which each axis of space is extended on both sides, a multiple of the network's stride.
    uses_pixel
        Whether the trained network uses the value of the pixel itself.
    """

    def __init__(
        self,
        net: Mapping[str, Any] | None,
        prior: Mapping[str, Any] | None,
        channels: Sequence[Mapping[str, float]],
        halo: Sequence[int],
        uses_pixel: bool,
    ) -> None:
        super().__init__()
        self.net = None if net is None else build(net)
        self.prior = None if prior is None else build(prior)
        self.channels, self.halo, self.uses_pixel = [dict(each) for each in channels], list(halo), uses_pixel

    def forward(self, counts: Tensor) -> Tensor:
        """Return the denoised images, of the same shape."""
        planes = torch.split(counts, 1, 1)
        found = [
            self._denoised((each - about["offset"]) / about["scale"], about) * about["scale"]
            + about["offset"]
            for each, about in zip(planes, self.channels, strict=True)
        ]
        return torch.cat(found, 1)

    def _denoised(self, units: Tensor, about: Mapping[str, float]) -> Tensor:
        """The estimate of one channel ``(b, 1, *space)`` in network units."""
        image = reflect(units, self.halo)
        total = torch.zeros_like(image)
        if self.net is not None and about["trained"]:
            blind, gate = self.net(image)
            estimate = blind if gate is None or not self.uses_pixel else blind + gate * (image - blind)
            total = total + about["trained"] * estimate
        if self.prior is not None and about["prior"]:
            blind, gate = self.prior(image)
            total = total + about["prior"] * (blind + gate * (image - blind))
        if about["blur"]:
            total = total + about["blur"] * gaussian_blur(image, about["sigma"])
        total = total * about["brightness"]
        for axis, halo in enumerate(self.halo, start=2):
            total = total.narrow(axis, halo, units.shape[axis])
        return total


def build(about: Mapping[str, Any]) -> nn.Module:
    """Return a network, which returns the blind estimate and the gate or None, from its kind and its parameters."""
    parameters = {name: value for name, value in about.items() if name not in ("kind", "net")}
    if about["kind"] == "filterbank":
        return FilterBankNet(**parameters)
    if about["kind"] == "unet":
        return UNet(**parameters)
    if about["kind"] == "care":
        return CareUNet(**parameters)
    inner = build(about["net"])
    return Stabilised(inner) if about["kind"] == "stabilised" else BehindOptics(inner, **parameters)


class Stabilised(nn.Module):
    """A network in units of photo-electrons, behind the Anscombe transform z = 2 √(u + 3/8)."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the blind estimate and the gate."""
        stable = 2 * (image + SHIFT).clamp(min=0).sqrt()
        blind, gate = self.net((stable - LEVEL) / UNIT)
        return ((blind * UNIT + LEVEL).clamp(min=0) / 2).square() - SHIFT, gate


class BehindOptics(nn.Module):
    """A network whose output is convolved with a point spread function: a Gaussian, or a kernel ``(y, x)``."""

    def __init__(self, net: nn.Module, psf: float | Sequence[Sequence[float]]) -> None:
        super().__init__()
        self.net, self.sigma, self.radius = net, 0.0, [0, 0]
        if isinstance(psf, int | float):
            self.sigma = float(psf)
            return
        kernel = torch.tensor(psf, dtype=torch.float32)
        self.radius = [size // 2 for size in kernel.shape]
        self.register_buffer("kernel", (kernel / kernel.sum()).flip(0, 1)[None, None], persistent=False)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the blind estimate, and None."""
        phantom = self.net(image)[0]
        if self.sigma:
            return gaussian_blur(phantom, self.sigma), None
        return F.conv2d(reflect(phantom, self.radius), self.get_buffer("kernel")), None


class FilterBank(nn.Module):
    """Gaussian blurs of an image, in which the weight of the pixel itself (and of `reach` neighbours) is zero."""

    def __init__(self, sigmas: Sequence[tuple[float, ...]], reach: Sequence[int]) -> None:
        super().__init__()
        self.dims, self.reach = len(reach), list(reach)
        self.radius = [
            max(math.ceil(3 * max(s[axis] for s in sigmas)), far + 1) for axis, far in enumerate(reach)
        ]
        centres = torch.ones(len(sigmas), *(1,) * self.dims)
        for axis, (radius, far) in enumerate(zip(self.radius, reach, strict=True)):
            taps = torch.stack([gaussian(s[axis], radius) for s in sigmas])
            shape = [-1 if a == axis else 1 for a in range(self.dims)]
            self.register_buffer(f"taps{axis}", taps.view(len(sigmas), 1, *shape), persistent=False)
            middle = taps[:, radius - far : radius + far + 1]
            centres = centres * middle.reshape(len(sigmas), *shape)
        self.register_buffer("centres", centres[:, None], persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """Return the blurs ``(b, filters, *space)`` of an image ``(b, 1, *space)``."""
        convolve = F.conv2d if self.dims == 2 else F.conv3d
        blurred = reflect(image, self.radius)
        for axis in range(self.dims):
            blurred = convolve(blurred, self.get_buffer(f"taps{axis}"), groups=blurred.shape[1])
        centres = self.get_buffer("centres")
        left_out = convolve(reflect(image, self.reach), centres)
        kept = 1 - centres.flatten(1).sum(1).view(-1, *(1,) * self.dims)
        return (blurred - left_out) / kept


class FilterBankNet(nn.Module):
    """A U-Net at half resolution that predicts gains of image bands, a residual and a gate for every pixel.

    The blind estimate is b = Bₙ y + Σᵢ aᵢ (Bᵢ − Bᵢ₊₁) y + 0.3 r with the blurs B, gains a and residual r.
    """

    def __init__(
        self, dims: int, widths: Sequence[int], reach: Sequence[int], brightest: float | None = None
    ) -> None:
        super().__init__()
        self.dims, self.brightest = dims, brightest
        sigmas: list[tuple[float, ...]] = (
            [(s, s) for s in SIGMAS] if dims == 2 else [(z * s, s, s) for s in SIGMAS for z in (0.0, 0.7)]
        )
        self.bank = FilterBank(sigmas, reach)
        self.edges = [sigmas.index((s, s) if dims == 2 else (0.0, s, s)) for s in INPUT_SIGMAS]
        self.bands = len(sigmas) - 1
        inputs = [4 * (len(INPUT_SIGMAS) + 1), *widths[:-1]]
        self.down = nn.ModuleList(_block(i, w, dims) for i, w in zip(inputs, widths, strict=True))
        pairs = reversed(list(pairwise(widths)))
        self.up = nn.ModuleList(_block(low + high, low, dims) for low, high in pairs)
        conv = nn.Conv2d if dims == 2 else nn.Conv3d
        self.head = conv(widths[0], 4 * (self.bands + 1), 1)
        self.gate = conv(widths[0], 4, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the blind estimate and the gate."""
        bank = self.bank(image)
        edges = torch.cat([image, bank[:, self.edges]], 1)
        level = edges[:, -1:] if self.brightest is None else edges[:, -1:].clamp(max=self.brightest)
        features = fold(torch.cat([edges[:, :-1] - edges[:, 1:], level], 1))
        skips = []
        for i, block in enumerate(self.down):
            if i > 0:
                skips.append(features)
                features = F.max_pool2d(features, 2) if self.dims == 2 else F.max_pool3d(features, (1, 2, 2))
            features = block(features)
        for block, skip in zip(self.up, reversed(skips), strict=True):
            features = block(torch.cat([skip, upsampled(features, [1, 2, 2][-self.dims :])], 1))
        out = unfold(self.head(features))
        detail = (out[:, : self.bands] * (bank[:, :-1] - bank[:, 1:])).sum(1, keepdim=True)
        blind = bank[:, -1:] + detail + 0.3 * out[:, self.bands :]
        return blind, torch.sigmoid(unfold(self.gate(features)))


class UNet(nn.Module):
    """The network of Ollion et al. 2021, arXiv:2102.08023: a U-Net with one convolution in each level."""

    def __init__(self, dims: int, width: int, levels: int) -> None:
        super().__init__()
        self.dims = dims
        conv = nn.Conv2d if dims == 2 else nn.Conv3d
        self.down = nn.ModuleList(conv(1 if i == 0 else width, width, 3, padding=1) for i in range(levels))
        self.bottom = conv(width, width, 3, padding=1)
        self.up = nn.ModuleList(conv(width, width, 2) for _ in range(levels))
        self.join = nn.ModuleList(conv(2 * width, width, 3, padding=1) for _ in range(levels))
        self.tail = nn.Sequential(conv(width, width, 1), nn.ReLU(), conv(width, width, 1), nn.ReLU())
        self.out = conv(width, 1, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the estimate, and None."""
        pool = F.max_pool2d if self.dims == 2 else F.max_pool3d
        features, skips = image, []
        for down in self.down:
            features = F.relu(down(features))
            skips.append(features)
            features = pool(features, 2)
        features = F.relu(self.bottom(features))
        for up, join, skip in zip(self.up, self.join, reversed(skips), strict=True):
            larger = F.pad(upsampled(features, [2] * self.dims), [0, 1] * self.dims)
            features = F.relu(join(torch.cat([skip, up(larger)], 1)))
        return self.out(self.tail(features)), None


class CareUNet(nn.Module):
    """The U-Net of CARE, Noise2Void and N2V2, with two convolutions in each level."""

    def __init__(
        self, dims: int, kernel: int, residual: bool, blur_pool: bool, top_skip: bool, width: int
    ) -> None:
        super().__init__()
        self.dims, self.residual, self.blur_pool, self.top_skip = dims, residual, blur_pool, top_skip
        conv = nn.Conv2d if dims == 2 else nn.Conv3d

        def block(*sizes: int) -> nn.ModuleList:
            return nn.ModuleList(conv(i, o, kernel, padding=kernel // 2) for i, o in pairwise(sizes))

        self.down = nn.ModuleList([block(1, width, width), block(width, 2 * width, 2 * width)])
        self.bottom = block(2 * width, 4 * width, 2 * width)
        top = 2 * width if top_skip else width
        self.up = nn.ModuleList([block(4 * width, 2 * width, width), block(top, width, width)])
        self.out = conv(width, 1, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the estimate, and None."""
        features, skips = image, []
        for block in self.down:
            features = _convolved(features, block)
            skips.append(features)
            features = self._pool(features)
        features = _convolved(features, self.bottom)
        for level, (block, skip) in enumerate(zip(self.up, reversed(skips), strict=True)):
            features = upsampled(features, [2] * self.dims)
            joins = level == 0 or self.top_skip
            features = _convolved(torch.cat([skip, features], 1) if joins else features, block)
        out = self.out(features)
        return (out + image if self.residual else out), None

    def _pool(self, features: Tensor) -> Tensor:
        pool = F.max_pool2d if self.dims == 2 else F.max_pool3d
        if not self.blur_pool:
            return pool(features, 2)
        pooled = F.pad(pool(features, 2, 1), [0, 1] * self.dims, mode="replicate")
        blurred = separable(pooled, torch.tensor([0.25, 0.5, 0.25]))
        return blurred[..., ::2, ::2] if self.dims == 2 else blurred[..., ::2, ::2, ::2]


# --------------------------------------------------------------- functions of images


def gaussian(sigma: float, radius: int) -> Tensor:
    """Return a sampled Gaussian ``(2 radius + 1,)``, whose sum is one."""
    at = torch.arange(-radius, radius + 1, dtype=torch.float64)
    taps = torch.exp(-0.5 * (at / sigma) ** 2) if sigma > 0 else (at == 0).double()
    return (taps / taps.sum()).float()


def gaussian_blur(image: Tensor, sigma: float) -> Tensor:
    """Return an image convolved with a Gaussian of `sigma` pixels."""
    return separable(image, gaussian(sigma, math.ceil(4 * sigma)))


def separable(image: Tensor, taps: Tensor) -> Tensor:
    """Return an image ``(b, c, *space)`` convolved along every axis of space, reflected at its borders."""
    dims, channels = image.ndim - 2, image.shape[1]
    convolve = F.conv2d if dims == 2 else F.conv3d
    image = reflect(image, [len(taps) // 2] * dims)
    for axis in range(dims):
        kernel = taps.to(image).view(1, 1, *(-1 if a == axis else 1 for a in range(dims)))
        image = convolve(image, kernel.expand(channels, *kernel.shape[1:]), groups=channels)
    return image


def reflect(image: Tensor, pad: Sequence[int]) -> Tensor:
    """Return an image padded by reflection with `pad` pixels on both sides of each axis."""
    if not any(pad):
        return image
    return F.pad(image, [width for width in reversed(pad) for _ in range(2)], mode="reflect")


def upsampled(features: Tensor, factors: Sequence[int]) -> Tensor:
    """Return features whose pixels are repeated along each axis."""
    return F.interpolate(features, scale_factor=[float(factor) for factor in factors], mode="nearest")


def fold(image: Tensor) -> Tensor:
    """Return an image with the 2×2 blocks of Y and X as channels (space to depth)."""
    if image.ndim == 4:
        return F.pixel_unshuffle(image, 2)
    return F.pixel_unshuffle(image.transpose(1, 2), 2).transpose(1, 2)


def unfold(image: Tensor) -> Tensor:
    """Return the inverse of `fold`."""
    if image.ndim == 4:
        return F.pixel_shuffle(image, 2)
    return F.pixel_shuffle(image.transpose(1, 2), 2).transpose(1, 2)


def _block(inputs: int, outputs: int, dims: int) -> nn.Sequential:
    conv = nn.Conv2d if dims == 2 else nn.Conv3d
    return nn.Sequential(
        conv(inputs, outputs, 3, padding=1), nn.ReLU(), conv(outputs, outputs, 3, padding=1), nn.ReLU()
    )


def _convolved(features: Tensor, block: nn.Module) -> Tensor:
    first, second = block.children()
    return F.relu(second(F.relu(first(features))))
