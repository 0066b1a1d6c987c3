"""The network FilterBankNet (D-net), which predicts local gains of image bands, a residual, and a gate."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from muguet.restoration.blur import gaussian, reflect
from muguet.restoration.convolutions import convolve_concatenated
from muguet.restoration.memory_format import fold, unfold
from muguet.restoration.net import GatedNet, Prediction

SIGMAS = (0.6, 0.9, 1.3, 1.9, 2.8, 4.0)
"""Standard deviations of the blurs, in pixels."""

INPUT_SIGMAS = (0.9, 1.9, 4.0)
"""Blurs in the input of the U-Net: the image minus the first one, differences of successive ones, and the last."""

INITIAL_SIGMA = 1.9
"""The untrained network returns approximately the blur of this standard deviation."""

_LOG_ERRORS = -9.0, 4.0  # Limits of the logarithm of a predicted variance of the error.
_START_LOG_ERROR = -2.0  # Its value before training.

_MAX_MATRIX_SIDE = 128
"""Up to this number of pixels along Y and X, products with matrices blur no slower than convolutions."""


class FilterBank(nn.Module):
    """Gaussian blurs of an image, in which the weight of the pixel itself is zero.

    For a Gaussian g of weight g₀ at its centre, the filter is (g − g₀ δ) / (1 − g₀). With the centre, a network trained
    on hidden pixels, whose values are replaced, would give too much weight to the noisy values that it sees later.
    Neighbours whose noise is correlated with the pixel's have the weight zero as well.

    Parameters
    ----------
    sigmas
        Standard deviations in pixels: for each filter, one value for each spatial axis.
    reach
        Number of neighbours on each side whose weight is zero, for each spatial axis.
    """

    centres: Tensor

    def __init__(self, sigmas: list[tuple[float, ...]], reach: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.sigmas = sigmas
        self.dims = len(sigmas[0])
        self.reach = reach or (0,) * self.dims
        self.radius = tuple(
            max(math.ceil(3 * max(s[axis] for s in sigmas)), far + 1) for axis, far in enumerate(self.reach)
        )
        for axis, radius in enumerate(self.radius):
            taps = torch.stack([gaussian(s[axis], radius) for s in sigmas])
            shape = [-1 if a == axis else 1 for a in range(self.dims)]
            self.register_buffer(f"taps{axis}", taps.view(len(sigmas), 1, *shape), persistent=False)
        centres = torch.stack([self._centre(each) for each in sigmas]).unsqueeze(1)
        self.register_buffer("centres", centres, persistent=False)

    def _centre(self, sigmas: tuple[float, ...]) -> Tensor:
        """The central weights of a Gaussian, which are subtracted from the filter."""
        taps = torch.ones(())
        for sigma, radius, far in zip(sigmas, self.radius, self.reach, strict=True):
            taps = taps.unsqueeze(-1) * gaussian(sigma, radius)[radius - far : radius + far + 1]
        return taps

    def forward(self, image: Tensor) -> Tensor:
        """Return the blurs ``(b, filters, *space)`` of an image ``(b, 1, *space)``."""
        small = max(image.shape[-2:]) <= _MAX_MATRIX_SIDE
        blurred = self._by_products(image) if small else self._by_convolutions(image, range(self.dims))
        if any(self.reach):
            convolve = F.conv2d if self.dims == 2 else F.conv3d
            left_out = convolve(reflect(image, self.reach), self.centres)
        else:
            left_out = image * self.centres[:, 0]
        kept = 1 - self.centres.flatten(1).sum(1).view(-1, *(1,) * self.dims)
        return blurred.sub_(left_out).div_(kept)

    def _by_convolutions(self, image: Tensor, axes: Sequence[int]) -> Tensor:
        convolve = F.conv2d if self.dims == 2 else F.conv3d
        blurred = reflect(image, [radius * (axis in axes) for axis, radius in enumerate(self.radius)])
        for axis in axes:
            blurred = convolve(blurred, getattr(self, f"taps{axis}"), groups=blurred.shape[1])
        return blurred

    def _by_products(self, image: Tensor) -> Tensor:
        """The same blurs, along Y and X by products with matrices, which is faster on patches."""
        down, across = (
            _matrices(tuple(s[axis] for s in self.sigmas), self.radius[axis], image.shape[axis], image.device)
            for axis in (-2, -1)
        )
        if self.dims == 3:
            return down[:, None] @ self._by_convolutions(image, [0]) @ across[:, None].mT
        blurred = (down.flatten(0, 1) @ image[:, 0]).view(len(image), *down.shape[:2], image.shape[-1])
        return blurred @ across.mT


@functools.lru_cache(maxsize=32)
def _matrices(sigmas: tuple[float, ...], radius: int, size: int, device: torch.device) -> Tensor:
    """Blurs along an axis of `size` pixels, reflected at its ends, as matrices ``(filters, size, size)``."""
    with torch.inference_mode(False), torch.no_grad():
        lines = reflect(torch.eye(size)[:, None], (radius,))  # Each line has one pixel of value 1.
        found = [F.conv1d(lines, gaussian(sigma, radius)[None, None])[:, 0].T for sigma in sigmas]
        return torch.stack(found).to(device)


class FilterBankNet(GatedNet):
    """A U-Net at half resolution that predicts, for every pixel, the gains of image bands, a residual, and a gate.

    With the blurs B₁ … Bₙ of a `FilterBank`, from fine to coarse, the blind estimate is

        b = Bₙ y + Σᵢ aᵢ (Bᵢ − Bᵢ₊₁) y + 0.3 r,

    a Laplacian pyramid (Burt & Adelson 1983, doi:10.1109/TCOM.1983.1095851) whose bands are kept, damped or sharpened
    locally. The estimate that also uses the pixel itself is b + g (y − b), with the weight 0 < g < 1 of the pixel's own
    value. If b and y − x were independent, the best weight would be g = τ² / (τ² + σ²), where τ² is the variance of
    b − x and σ² that of the noise.

    The gains a, the residual r and the logit of the gate g are the output of the U-Net (space to depth by 2, two 3ᵈ
    convolutions in each level, depth to space). Its input consists of bands as well: structures coarser than a pixel,
    which the noise hides in the image, are visible in channels of their own and are learned in half the steps.
    Related: kernel-predicting networks, Bako et al. 2017 (doi:10.1145/3072959.3073708) and Mildenhall et al. 2018
    (arXiv:1712.02327).

    Parameters
    ----------
    dims
        Number of spatial dimensions, 2 or 3. In 3-D, Z is neither folded nor pooled, as it is coarser than Y and X.
    widths
        Number of channels of each level.
    reach
        Number of neighbours on each side that no filter uses, see `FilterBank`.
    brightest
        The U-Net sees brighter levels as this one. All other features of its input are differences, so that above this
        level the estimate of an image plus a constant is the estimate plus this constant.
    predicts_error
        Whether the network also predicts the variance of its error, see `Prediction`.
    """

    def __init__(
        self,
        dims: int = 2,
        widths: tuple[int, ...] = (32, 64, 96),
        reach: tuple[int, ...] = (),
        *,
        brightest: float = math.inf,
        predicts_error: bool = False,
    ) -> None:
        super().__init__()
        self.dims, self.brightest = dims, brightest
        if dims == 2:
            sigmas: list[tuple[float, ...]] = [(s, s) for s in SIGMAS]
        else:
            sigmas = [(z * s, s, s) for s in SIGMAS for z in (0.0, 0.7)]
        self.bank = FilterBank(sigmas, reach)
        at = {s: sigmas.index((s,) * dims if dims == 2 else (0.0, s, s)) for s in SIGMAS}
        self.edges = [at[s] for s in INPUT_SIGMAS]
        bands = len(sigmas) - 1
        fold = 4
        self.widths = widths
        inputs = [fold * (len(INPUT_SIGMAS) + 1), *widths[:-1]]
        self.down = nn.ModuleList(_Block(i, w, dims) for i, w in zip(inputs, widths, strict=True))
        pairs = list(pairwise(widths))
        self.up = nn.ModuleList(_Block(low + high, low, dims) for low, high in reversed(pairs))
        conv = nn.Conv2d if dims == 2 else nn.Conv3d
        self.head = conv(widths[0], fold * (bands + 1), 1)
        self.gate = conv(widths[0], fold, 1)
        self.error = conv(widths[0], fold, 1) if predicts_error else None
        with torch.no_grad():
            if self.error is not None:
                self.error.weight.zero_()
                self.error.bias.fill_(_START_LOG_ERROR)  # type: ignore[union-attr]
            self.gate.weight.zero_()
            self.head.weight.mul_(0.1)
            start = torch.tensor([float(i >= at[INITIAL_SIGMA]) for i in range(bands)] + [0.0])
            self.head.bias.copy_(start.repeat_interleave(fold))  # type: ignore[union-attr]

    @property
    def stride(self) -> tuple[int, ...]:
        """Number of which the input's size must be a multiple, for each spatial axis."""
        plane = 2 ** len(self.widths)
        return (plane, plane) if self.dims == 2 else (1, plane, plane)

    @property
    def halo(self) -> tuple[int, ...]:
        """Largest distance between an output pixel and an input pixel that it depends on, for each spatial axis."""
        levels = len(self.widths)
        reach = 2 * 2**levels  # The two convolutions of the last level, whose pixels are 2**levels wide.
        for level in range(1, levels):
            reach += 4 * 2**level + 2**level  # Two convolutions down, two up, and the pooling.
        net = (4 * levels - 2, reach + 1, reach + 1)[-self.dims :]
        # The input of the U-Net is blurred. Along Z it is not, and the bank may reach farther than the U-Net.
        seen = [
            math.ceil(3 * max(self.bank.sigmas[e][axis] for e in self.edges)) for axis in range(self.dims)
        ]
        sizes = zip(net, seen, self.bank.radius, strict=True)
        return tuple(max(near + far, bank) for near, far, bank in sizes)

    def open_gate(self, share: float) -> None:
        """Set the gate to `share` everywhere, its value at the start of learning."""
        with torch.no_grad():
            self.gate.bias.fill_(math.log(share / (1 - share)))  # type: ignore[union-attr]

    def forward(self, image: Tensor) -> Prediction:
        """Return the blind estimate and the gate of an image ``(b, 1, *space)``, in float32."""
        with torch.autocast(image.device.type, enabled=False):
            image = image.float()
            bank = self.bank(image)
            edges = torch.cat([image, bank[:, self.edges]], 1)
            level = edges[:, -1:]
            if math.isfinite(self.brightest):
                level = level.clamp(max=self.brightest)
            seen = fold(torch.cat([edges[:, :-1] - edges[:, 1:], level], 1)).transpose(-1, -2)
            bank = fold(bank)
        features, skips = seen.flatten(-2).movedim(-1, 1), []
        for i, block in enumerate(self.down):
            if i > 0:
                skips.append(features)
                features = F.max_pool2d(features, 2) if self.dims == 2 else F.max_pool3d(features, (1, 2, 2))
            features = block(features)
        for block, skip in zip(self.up, reversed(skips), strict=True):
            features = block.joined(skip, features)  # type: ignore[operator]
        with torch.autocast(image.device.type, enabled=False):
            out = self._heads(features.float())
            bands = bank.shape[-1] - 1
            gains, residual, gate = torch.split(out, [bands, 1, 1], -1)
            detail = (gains * (bank[..., :-1] - bank[..., 1:])).sum(-1, keepdim=True)
            blind = bank[..., -1:] + detail + 0.3 * residual
        return Prediction(
            unfold(blind), torch.sigmoid(unfold(gate)), error=self._predicted_error(features.float())
        )

    def _predicted_error(self, features: Tensor) -> Tensor | None:
        """The variance of the error, learned from features that it does not change."""
        if self.error is None:
            return None
        with torch.autocast(features.device.type, enabled=False):
            logarithm = unfold(self.error(features.detach()).movedim(1, -1).unsqueeze(-1))
            return logarithm.clamp(*_LOG_ERRORS).exp()

    def _heads(self, features: Tensor) -> Tensor:
        """The outputs of `head` and `gate` in one convolution, folded by `fold`, ``(b, *smaller, 4, bands + 2)``."""
        convolve = F.conv2d if self.dims == 2 else F.conv3d
        weight = torch.cat([self.head.weight, self.gate.weight])
        bias = torch.cat([self.head.bias, self.gate.bias])  # type: ignore[list-item]
        # The channels of the layers are ordered by output, then by place in the 2×2 block; here the place comes first.
        order = torch.arange(len(bias), device=bias.device).view(-1, 4).T.flatten()
        out = convolve(features, weight[order], bias[order]).movedim(1, -1)
        return out.reshape(*out.shape[:-1], 4, -1)


class _Block(nn.Sequential):
    """Two convolutions, each with a ReLU."""

    def __init__(self, inputs: int, outputs: int, dims: int) -> None:
        conv = nn.Conv2d if dims == 2 else nn.Conv3d
        first, second = conv(inputs, outputs, 3, padding=1), conv(outputs, outputs, 3, padding=1)
        for layer in (first, second):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        super().__init__(first, nn.ReLU(inplace=True), second, nn.ReLU(inplace=True))

    def joined(self, skip: Tensor, low: Tensor) -> Tensor:
        """Return the block's output for `skip`, concatenated with `low`, which is upsampled by 2 along Y and X."""
        first, *rest = self.children()
        features = convolve_concatenated(skip, low, first, (1, 2, 2)[-(skip.ndim - 2) :])  # type: ignore[arg-type]
        for layer in rest:
            features = layer(features)
        return features
