"""D-net as a local gain for every band of the image, a correction, and a share of the pixel itself."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from muguet.restoration.blur import gaussian, reflect
from muguet.restoration.convolutions import convolve_beside
from muguet.restoration.memory_format import fold, unfold
from muguet.restoration.net import GatedNet, Prediction

SIGMAS = (0.6, 0.9, 1.3, 1.9, 2.8, 4.0)
SEEN = (0.9, 1.9, 4.0)  # blurs between which the network sees differences
FIRST = 1.9  # the first estimate is this blur
_PRODUCTS = (
    128  # pixels, up to which a product with a matrix blurs along an axis no slower than a convolution
)


class FilterBank(nn.Module):
    """Gaussian blurs of an image, none of which holds the pixel itself.

    For a Gaussian g of weight g₀ at its centre the filter is (g − g₀ δ) / (1 − g₀). Were the centre left in, a
    network trained on hidden centres would over-trust the true ones when it later sees them. Where neighbours
    share the pixel's noise they are left out as well.

    Parameters
    ----------
    sigmas
        Standard deviations in pixels, for each filter one value for each spatial axis.
    reach
        How many neighbours on either side are left out, axis by axis.
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
        """The taps that are left out of a filter."""
        taps = torch.ones(())
        for sigma, radius, far in zip(sigmas, self.radius, self.reach, strict=True):
            taps = taps.unsqueeze(-1) * gaussian(sigma, radius)[radius - far : radius + far + 1]
        return taps

    def forward(self, image: Tensor) -> Tensor:
        """``(b, 1, *space)`` to ``(b, filters, *space)``."""
        small = max(image.shape[-2:]) <= _PRODUCTS
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
        """The same along Y and X as products with matrices, faster on patches."""
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
    """Blurs along an axis of so many pixels, continued by reflection, as matrices ``(filters, size, size)``."""
    with torch.inference_mode(False), torch.no_grad():
        lines = reflect(torch.eye(size)[:, None], (radius,))  # of the pixel that is lit, each
        found = [F.conv1d(lines, gaussian(sigma, radius)[None, None])[:, 0].T for sigma in sigmas]
        return torch.stack(found).to(device)


class FilterBankNet(GatedNet):
    """A U-Net at half resolution that predicts, for every pixel, the gains of a bank's bands, a residual, and a gate.

    Of blurs B₁ … Bₙ, from fine to coarse, the blind estimate is

        b = Bₙ y + Σᵢ aᵢ (Bᵢ − Bᵢ₊₁) y + 0.3 r,

    a Laplacian pyramid (Burt & Adelson 1983, doi:10.1109/TCOM.1983.1095851) whose bands are kept, damped or sharpened
    place by place; the sighted estimate is b + g (y − b) with 0 < g < 1, the share of the answer that the pixel's own
    value is. The gains a, the residual r and the gate's logit come from the U-Net (space to depth by 2, two 3ᵈ
    convolutions a level, depth to space), which sees bands too: where the noise of pixels buries all else, what is
    coarser than a pixel stands out in a channel of its own and is learned in half the steps. Were b and
    y − x independent, the best gate would be g = τ² / (τ² + σ²), τ² the variance of b − x and σ² that of the noise.
    Related: kernel-predicting networks, Bako et al. 2017 (doi:10.1145/3072959.3073708) and Mildenhall et al. 2018
    (arXiv:1712.02327).

    Parameters
    ----------
    dims
        2 or 3 spatial dimensions; in 3-D, Z is neither folded nor pooled, as it is coarser than Y and X.
    widths
        Channels of each level.
    reach
        Neighbours that no filter may hold, see `FilterBank`.
    """

    def __init__(
        self, dims: int = 2, widths: tuple[int, ...] = (32, 64, 96), reach: tuple[int, ...] = ()
    ) -> None:
        super().__init__()
        self.dims = dims
        if dims == 2:
            sigmas: list[tuple[float, ...]] = [(s, s) for s in SIGMAS]
        else:
            sigmas = [(z * s, s, s) for s in SIGMAS for z in (0.0, 0.7)]
        self.bank = FilterBank(sigmas, reach)
        at = {s: sigmas.index((s,) * dims if dims == 2 else (0.0, s, s)) for s in SIGMAS}
        self.edges = [at[s] for s in SEEN]
        bands = len(sigmas) - 1
        fold = 4
        self.widths = widths
        inputs = [fold * (len(SEEN) + 1), *widths[:-1]]
        self.down = nn.ModuleList(_Block(i, w, dims) for i, w in zip(inputs, widths, strict=True))
        pairs = list(pairwise(widths))
        self.up = nn.ModuleList(_Block(low + high, low, dims) for low, high in reversed(pairs))
        conv = nn.Conv2d if dims == 2 else nn.Conv3d
        self.head = conv(widths[0], fold * (bands + 1), 1)
        self.gate = conv(widths[0], fold, 1)
        with torch.no_grad():
            self.gate.weight.zero_()
            self.head.weight.mul_(0.1)
            start = torch.tensor([float(i >= at[FIRST]) for i in range(bands)] + [0.0])
            self.head.bias.copy_(start.repeat_interleave(fold))  # type: ignore[union-attr]

    @property
    def stride(self) -> tuple[int, ...]:
        """Input sizes must be multiples of this, axis by axis."""
        plane = 2 ** len(self.widths)
        return (plane, plane) if self.dims == 2 else (1, plane, plane)

    @property
    def halo(self) -> tuple[int, ...]:
        """How far an input pixel can be from an output pixel and still reach it, axis by axis."""
        levels = len(self.widths)
        reach = 2 * 2**levels  # the two convolutions of the last level, of pixels 2**levels wide
        for level in range(1, levels):
            reach += 4 * 2**level + 2**level  # two convolutions down, two up, and the pooling
        net = (4 * levels - 2, reach + 1, reach + 1)[-self.dims :]
        # The network looks at blurs; what it weighs may reach farther yet along Z, where it sees none.
        seen = [
            math.ceil(3 * max(self.bank.sigmas[e][axis] for e in self.edges)) for axis in range(self.dims)
        ]
        sizes = zip(net, seen, self.bank.radius, strict=True)
        return tuple(max(near + far, bank) for near, far, bank in sizes)

    def open_gate(self, share: float) -> None:
        """Set the gate to `share`, the same everywhere: where learning it starts from."""
        with torch.no_grad():
            self.gate.bias.fill_(math.log(share / (1 - share)))  # type: ignore[union-attr]

    def forward(self, image: Tensor) -> Prediction:
        """Return the blind estimate and the gate of an image ``(b, 1, *space)``, in float32."""
        with torch.autocast(image.device.type, enabled=False):
            image = image.float()
            bank = self.bank(image)
            edges = torch.cat([image, bank[:, self.edges]], 1)
            seen = fold(torch.cat([edges[:, :-1] - edges[:, 1:], edges[:, -1:]], 1)).transpose(-1, -2)
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
            gains, residual, gate = torch.split(out, [bank.shape[-1] - 1, 1, 1], -1)
            bands = (gains * (bank[..., :-1] - bank[..., 1:])).sum(-1, keepdim=True)
            blind = bank[..., -1:] + bands + 0.3 * residual
        return Prediction(unfold(blind), torch.sigmoid(unfold(gate)))

    def _heads(self, features: Tensor) -> Tensor:
        """What `head` and `gate` say, in one convolution, folded as `fold` does: ``(b, *smaller, 4, bands + 2)``."""
        convolve = F.conv2d if self.dims == 2 else F.conv3d
        weight = torch.cat([self.head.weight, self.gate.weight])
        bias = torch.cat([self.head.bias, self.gate.bias])  # type: ignore[list-item]
        order = (
            torch.arange(len(bias), device=bias.device).view(-1, 4).T.flatten()
        )  # theirs has the four last
        out = convolve(features, weight[order], bias[order]).movedim(1, -1)
        return out.reshape(*out.shape[:-1], 4, -1)


class _Block(nn.Sequential):
    """Two convolutions."""

    def __init__(self, inputs: int, outputs: int, dims: int) -> None:
        conv = nn.Conv2d if dims == 2 else nn.Conv3d
        first, second = conv(inputs, outputs, 3, padding=1), conv(outputs, outputs, 3, padding=1)
        for layer in (first, second):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        super().__init__(first, nn.ReLU(inplace=True), second, nn.ReLU(inplace=True))

    def joined(self, skip: Tensor, low: Tensor) -> Tensor:
        """Of the features that lie beside those of the level below, which are enlarged by 2 along Y and X."""
        first, *rest = self.children()
        features = convolve_beside(skip, low, first, (1, 2, 2)[-(skip.ndim - 2) :])  # type: ignore[arg-type]
        for layer in rest:
            features = layer(features)
        return features
