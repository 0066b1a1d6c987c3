"""Random patches of many images, drawn by batched tensor operations on the device that holds the images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from muguet.image.scaling import Scaling
from muguet.noise.correlated.whitening import Whitening

Number = TypeVar("Number", bound=np.generic)

MISSING, TARGET, HELD_OUT, SATURATED = 0, 1, 2, 3
_CELL = 8  # One pixel of every cell of 8ᵈ pixels is held out.


@dataclass(frozen=True, eq=False)
class Plane:
    """One image ``(*space)`` of one channel, in network units.

    Attributes
    ----------
    values
        Noisy pixel values; missing ones are filled in.
    trusted
        Mask of the pixels that are neither missing nor saturated, in the target if there is one.
    channel
        Index of the channel.
    quantum
        Difference between two consecutive recorded values; 0: they are continuous, or there is a `target`.
    target
        The image that estimates are compared with; None: the noisy image itself.
    saturated
        Mask of the pixels at the camera's maximum, in the target if there is one. They are targets, missing ones are
        not. None: no pixel is saturated.
    """

    values: npt.NDArray[np.float32]
    trusted: npt.NDArray[np.bool_]
    channel: int = 0
    quantum: float = 0.0
    target: npt.NDArray[np.float32] | None = None
    saturated: npt.NDArray[np.bool_] | None = None

    def whitened(self, whitenings: Sequence[Whitening | None]) -> Plane:
        """Return the plane with white noise, no longer quantised, from the whitening of each channel."""
        whitening = whitenings[self.channel] if whitenings else None
        if whitening is None:
            return self
        return replace(self, values=whitening(self.values).astype(np.float32), quantum=0.0)


@dataclass(frozen=True, eq=False)
class Patches:
    """A batch of patches.

    Attributes
    ----------
    noisy
        Noisy values ``(b, 1, *size)`` in network units.
    role
        MISSING, TARGET, HELD_OUT or SATURATED for each pixel, of the same shape.
    channel
        Index of the channel of each patch ``(b,)``.
    quantum
        Difference between two consecutive recorded values of each patch ``(b,)``, see `Plane`.
    target
        Values that estimates are compared with; None: the noisy ones.
    """

    noisy: Tensor
    role: Tensor
    channel: Tensor
    quantum: Tensor
    target: Tensor | None = None


@dataclass(frozen=True, eq=False)
class PatchSource:
    """All planes of a training set on one device, from which random patches are drawn.

    The values of all planes form one flat tensor. The indices of a patch in it include its place, its flips and its
    turn, so that drawing a batch is one gather and takes the same time for any number of images.

    One pixel of every 8ᵈ is held out, on a jittered grid in which no two are adjacent. Held-out pixels are part of the
    input but never targets, so that their likelihood measures how well held-out values are predicted.

    Attributes
    ----------
    values, role, targets
        Flat tensors of the values, roles and targets of all planes; `targets` is None without other targets.
    starts, shapes, channels, quanta
        Index of the first value, shape, channel and quantum of each plane.
    size
        Shape of a patch.
    quarter_turns
        Whether patches are turned by 90° at random.
    quantised
        Whether any plane has a quantum above 0.
    """

    values: Tensor
    role: Tensor
    starts: Tensor
    shapes: Tensor
    channels: Tensor
    quanta: Tensor
    size: tuple[int, ...]
    quarter_turns: bool = True
    targets: Tensor | None = None
    quantised: bool = False
    _coordinates: Tensor = field(repr=False, default_factory=lambda: torch.empty(0))

    @classmethod
    def of(
        cls,
        planes: Sequence[Plane],
        patch: Sequence[int],
        seed: int = 0,
        quarter_turns: bool = True,
        device: torch.device | str = "cpu",
    ) -> PatchSource:
        """Collect planes on a device. Patches have the shape `patch`, or that of the smallest plane along each axis."""
        sizes = zip(patch, *(p.values.shape for p in planes), strict=True)
        size = tuple(min(along) for along in sizes)
        if len(set(size[-2:])) > 1 and quarter_turns:
            size = (*size[:-2], min(size[-2:]), min(size[-2:]))
        rng = np.random.default_rng(seed)
        lengths = [p.values.size for p in planes]
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        values = _joined([p.values for p in planes])
        role = _joined([roles(p, rng) for p in planes])
        targets = [p.target for p in planes if p.target is not None]
        grid = torch.meshgrid(*(torch.arange(n) for n in size), indexing="ij")
        return cls(
            values=torch.from_numpy(values).to(device),
            role=torch.from_numpy(role).to(device),
            starts=torch.from_numpy(starts).to(device),
            shapes=torch.tensor([p.values.shape for p in planes], device=device),
            channels=torch.tensor([p.channel for p in planes], device=device),
            quanta=torch.tensor([p.quantum for p in planes], device=device, dtype=torch.float32),
            size=size,
            quarter_turns=quarter_turns,
            targets=torch.from_numpy(_joined(targets)).to(device) if targets else None,
            quantised=any(p.quantum > 0 for p in planes),
            _coordinates=torch.stack([c.flatten() for c in grid]).to(device),
        )

    def only(self, planes: Tensor) -> PatchSource:
        """Return the training set of some of the planes, a mask, with the same values."""
        kept = planes.to(self.device)
        return replace(
            self,
            starts=self.starts[kept],
            shapes=self.shapes[kept],
            channels=self.channels[kept],
            quanta=self.quanta[kept],
        )

    @property
    def device(self) -> torch.device:
        """The device that holds the planes."""
        return self.values.device

    def rescale(self, scalings: Sequence[Scaling]) -> PatchSource:
        """Convert the values, in place, to other units; one scaling for each channel. Return the training set."""
        lengths = self.shapes.prod(1).tolist()
        for start, length, channel in zip(self.starts.tolist(), lengths, self.channels.tolist(), strict=True):
            span, scaling = slice(start, start + length), scalings[channel]
            for values in (self.values, self.targets):
                if values is not None:
                    values[span].sub_(scaling.offset).div_(scaling.scale)
        scales = torch.tensor([scaling.scale for scaling in scalings], device=self.device)
        return replace(self, quanta=self.quanta / scales[self.channels])

    def draw(self, batch: int, generator: torch.Generator, augment: bool = True) -> Patches:
        """Draw a batch of patches, each flipped and turned at random if `augment`; every pixel is equally likely."""
        device, dims = self.device, len(self.size)
        pixels = self.shapes.prod(1).double()
        plane = torch.multinomial(pixels, batch, replacement=True, generator=generator)
        shape = self.shapes[plane]
        size = torch.tensor(self.size, device=device)
        free = (shape - size + 1).double()
        uniform = torch.rand((batch, dims), generator=generator, device=device, dtype=torch.float64)
        corner = (uniform * free).long()
        strides = torch.ones_like(shape)
        for axis in range(dims - 2, -1, -1):
            strides[:, axis] = strides[:, axis + 1] * shape[:, axis + 1]
        index = (self.starts[plane] + (corner * strides).sum(1)).unsqueeze(1)
        steps = strides
        coordinates = self._coordinates.unsqueeze(0)
        if augment:
            coin = torch.randint(2, (batch, dims + 1), generator=generator, device=device)
            flip = coin[:, :dims].unsqueeze(-1)
            coordinates = flip * (size.view(1, -1, 1) - 1 - coordinates) + (1 - flip) * coordinates
            if self.quarter_turns:
                turned = torch.cat([strides[:, :-2], strides[:, -2:].flip(1)], dim=1)
                steps = torch.where(coin[:, dims:] == 1, turned, strides)
        index = index + (coordinates * steps.unsqueeze(-1)).sum(1)
        shape_out = (batch, 1, *self.size)
        return Patches(
            self.values[index].view(shape_out),
            self.role[index].view(shape_out),
            self.channels[plane],
            self.quanta[plane],
            None if self.targets is None else self.targets[index].view(shape_out),
        )

    def target(self, patches: Patches, generator: torch.Generator) -> Tensor:
        """Return the values that the estimates of a batch are compared with: the other image, or the noisy one.

        The values of a quantised image are spread uniformly over their quantisation step, since the density of a
        learned law would otherwise shrink to peaks at the repeated values.
        """
        if patches.target is not None:
            return patches.target
        if not self.quantised:
            return patches.noisy
        jitter = torch.rand(patches.noisy.shape, generator=generator, device=self.device) - 0.5
        return patches.noisy + jitter * patches.quantum.view(-1, *(1,) * (patches.noisy.ndim - 1))


def _joined(arrays: Sequence[npt.NDArray[Number]]) -> npt.NDArray[Number]:
    """All values as one flat array, without a copy if there is a single array."""
    return arrays[0].ravel() if len(arrays) == 1 else np.concatenate([each.ravel() for each in arrays])


def roles(plane: Plane, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Return MISSING, TARGET, HELD_OUT or SATURATED for every pixel of a plane.

    The held-out pixel of a cell is never in the cell's last row or column, so that no two of them are adjacent.
    """
    trusted = plane.trusted
    role = np.where(trusted, np.uint8(TARGET), np.uint8(MISSING))
    if plane.saturated is not None:
        role[plane.saturated] = SATURATED
    cells = [-(-n // _CELL) for n in trusted.shape]
    grid = np.meshgrid(*(np.arange(c) * _CELL for c in cells), indexing="ij")
    corners = np.stack(grid, -1).reshape(-1, len(cells))
    at = corners + rng.integers(0, _CELL - 1, corners.shape)
    at = at[(at < trusted.shape).all(1)]
    place = tuple(at.T)
    role[place] = np.where(trusted[place], np.uint8(HELD_OUT), role[place])
    return role


def patch_size(planes: Sequence[Plane], wanted: Sequence[int], multiples: Sequence[int]) -> list[int]:
    """Return the shape of patches: `wanted`, or less if the smallest plane is smaller, in these multiples."""
    smallest = np.min([plane.values.shape for plane in planes], axis=0).tolist()
    sizes = zip(wanted, smallest, multiples, strict=True)
    return [min(want, size) // multiple * multiple for want, size, multiple in sizes]
