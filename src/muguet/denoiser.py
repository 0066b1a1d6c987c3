"""A fitted method in camera counts: call it on an image; save it to one file; load it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from muguet.errors import MuguetError
from muguet.image import axes as ax
from muguet.image.scaling import Scaling
from muguet.image.values import fill_missing, require_real
from muguet.method import Method
from muguet.noise.law import Affine, Law
from muguet.noise.sharpened import Sharpened
from muguet.noise.transfer.curve import MeanVariance
from muguet.noise.transfer.variance import fitted_variance
from muguet.prediction.symmetry import Symmetry
from muguet.prediction.symmetry import symmetries as sides
from muguet.prediction.tiles import map_tiles, tiles
from muguet.recipes.parts import Parts
from muguet.restoration.memory_format import kernels_channels_last
from muguet.system import tensor_file
from muguet.system.device import bfloat16_pays, find_device
from muguet.system.memory import keep_freed_memory

CORE = {2: (512, 512), 3: (16, 192, 192)}  # pixels of a tile without its halo
FEW = 2**22  # pixels of an image that are seen from all sides: eight times the time for 0.01 to 0.06 dB


@dataclass(frozen=True, eq=False)
class Denoiser:
    """A trained method and all it needs to treat images in camera counts.

    Attributes
    ----------
    parts, method
        What it is made of, and the trained module itself.
    scalings
        Counts to network units, one a channel.
    transfers
        Photon-transfer curves, measured on the training images beside their estimates, one a channel in
        network units; None where the images do not tell. Empty: none was measured.
    training
        How it came about: data, seed, steps, scores, versions (JSON).
    """

    parts: Parts
    method: Method
    scalings: tuple[Scaling, ...]
    transfers: tuple[MeanVariance | None, ...] = ()
    training: Mapping[str, Any] = field(default_factory=dict)

    # ------------------------------------------------------------------ images

    def __call__(
        self, image: npt.ArrayLike, axes: str | None = None, *, symmetries: int | None = None
    ) -> npt.NDArray[np.float32]:
        """The denoised image, in counts, of the same shape.

        The network sees the image with all its pixels, in tiles whose halo is its receptive field. Missing pixels (NaN,
        infinite) stay missing and leave the others as they are.

        Parameters
        ----------
        image
            Array of any numeric dtype.
        axes
            One letter of TCZYXS an axis; None: guessed from the shape, and a warning says so.
        symmetries
            Flips and quarter turns over which the answers are averaged: 1, 2, 4 or 8, in so many times the time.
            None: 8 for images of up to 2²² pixels in all, 1 for larger ones.

        Raises
        ------
        MuguetError
            If axes or symmetries do not fit, the model is for other dimensions or channels, or the values are not
            real numbers.
        """
        array = np.asarray(image)
        require_real(array, "the image")
        layout = self.layout(array.shape, axes)
        planes = layout.split(array)
        out = np.empty(planes.shape, np.float32)
        views = self.views(array.size, symmetries)
        for n, c in np.ndindex(planes.shape[:2]):
            for _ in self.plane(planes[n, c], c, out[n, c], views):
                pass
        return layout.join(out)

    def layout(self, shape: Sequence[int], axes: str | None = None) -> ax.Layout:
        """How an array of this shape is cut into planes; refuses what the model was not trained for."""
        letters = ax.named(axes, shape)
        if self.parts.dimensions == 3 and "Z" not in letters:
            raise MuguetError(
                f"the model is for 3-D stacks and the image's axes {letters} have no Z: "
                "give a stack (--axes ZYX) or a 2-D model"
            )
        layout = ax.Layout(letters, tuple(shape), self.parts.dimensions)
        if layout.channels != self.parts.channels:
            raise MuguetError(
                f"the model is for {self.parts.channels} channel{'s' * (self.parts.channels > 1)} and the image "
                f"({letters}, {tuple(shape)}) has {layout.channels}: train one on images like it"
            )
        return layout

    def views(self, pixels: int, symmetries: int | None = None) -> list[Symmetry]:
        """From which sides an image of so many pixels is seen, or from how many it is asked to be."""
        return views(self.parts, pixels, symmetries)

    def plane(
        self,
        plane: npt.NDArray[np.generic],
        channel: int,
        out: npt.NDArray[np.float32],
        views: Sequence[Symmetry],
    ) -> Iterator[float]:
        """Denoise one plane ``(*space)`` of one channel into `out`, yielding the share that is done."""
        net = self.method.net
        cuts = tiles(plane.shape, CORE[self.parts.dimensions], net.halo, net.stride)
        return map_tiles(lambda tile: self._tile(tile, channel, views), plane, out, cuts)

    def _tile(
        self, tile: npt.NDArray[np.generic], channel: int, views: Sequence[Symmetry]
    ) -> npt.NDArray[np.float32]:
        counts = tile.astype(np.float32)
        missing = ~np.isfinite(counts)
        if missing.all():
            return np.full(tile.shape, np.nan, np.float32)
        units = torch.from_numpy(self.scalings[channel].apply(fill_missing(counts)))[None, None]
        estimate = self.estimate(units.to(self.device), views)[0, 0].cpu().numpy()
        denoised = self.scalings[channel].invert(estimate)
        denoised[missing] = np.nan
        return denoised

    def estimate(self, units: Tensor, views: Sequence[Symmetry]) -> Tensor:
        """The network's answer to unmasked ``(b, 1, *space)`` in network units, the mean of those to all views."""
        with torch.inference_mode():
            total = torch.zeros_like(units)
            for view in views:
                total += view.undo(self.method.estimate(view.apply(units).contiguous()))
        return total / len(views)

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.method.parameters()).device

    def to(self, device: torch.device | str) -> Denoiser:
        """The same denoiser, moved to a device (in place)."""
        self.method.to(device)
        self.method.low_precision = bfloat16_pays(torch.device(device), self.parts.dimensions)
        return self

    # --------------------------------------------------------------- noise law

    @property
    def laws(self) -> list[Law]:
        """The noise law of every channel, in camera counts.

        N-net's (`learned_laws`), without the error of the estimate that it holds, see
        `muguet.noise.sharpened.Sharpened`; N-net's own where the images did not tell the two apart.
        """
        learned = self._learned
        for channel, points in enumerate(self.transfers):
            if points is not None:
                learned[channel] = Sharpened(learned[channel], fitted_variance(points))
        return self._in_counts(learned)

    def transfer(self, channel: int = 0) -> MeanVariance | None:
        """The photon-transfer curve of a channel in camera counts, if one was measured."""
        points = self.transfers[channel] if self.transfers else None
        scaling = self.scalings[channel]
        return points and points.scaled(scaling.offset, scaling.scale)

    @property
    def learned_laws(self) -> list[Law]:
        """The law of every channel as N-net learned it, in camera counts: of the noise *and* the estimate's error."""
        return self._in_counts(self._learned)

    @property
    def _learned(self) -> list[Any]:
        if not self.method.learns_law:
            raise MuguetError(
                f"the recipe {self.parts.recipe} learns no noise law: train with --recipe joint"
            )
        return list(self.method.laws)

    def _in_counts(self, laws: Sequence[Law]) -> list[Law]:
        return [
            Affine(law, scaling.offset, scaling.scale)
            for law, scaling in zip(laws, self.scalings, strict=True)
        ]

    @property
    def noise(self) -> Law:
        """The noise law in camera counts, of a model of one channel; see `laws` for more."""
        if self.parts.channels > 1:
            raise MuguetError(
                f"the model has {self.parts.channels} channels: take .laws[channel] instead of .noise"
            )
        return self.laws[0]

    # --------------------------------------------------------------- the file

    def save(self, path: str | Path) -> None:
        """Write everything to one safetensors file with a JSON header, atomically."""
        tensor_file.write(Path(path), "model", _arrays(self.method), self.header())

    def header(self) -> dict[str, Any]:
        """What the file says beside the weights."""
        return {
            **asdict(self.parts),
            "scalings": [scaling.as_dict() for scaling in self.scalings],
            "transfers": [points and points.as_dict() for points in self.transfers],
            "training": dict(self.training),
        }


def views(parts: Parts, pixels: float, symmetries: int | None = None) -> list[Symmetry]:
    """From which sides an image of so many pixels is seen: from all if it is small, else as it is."""
    return sides(parts.quarter_turns, (8 if pixels <= FEW else 1) if symmetries is None else symmetries)


def load(path: str | Path, device: str = "auto") -> Denoiser:
    """Read a denoiser that `Denoiser.save` wrote.

    Raises
    ------
    MuguetError
        If the file is missing, damaged, or not a model of muguet's, or if there is no such device.
    """
    place = find_device(device)
    keep_freed_memory()
    tensors, header = tensor_file.read(Path(path), "model")
    try:
        parts = Parts.of(header)
        scalings = tuple(Scaling(**each) for each in header["scalings"])
        transfers = tuple(each and MeanVariance.of(each) for each in header.get("transfers", ()))
        method = parts.build()
        method.load_state_dict(
            {name: torch.from_numpy(value) for name, value in _renamed(tensors, header).items()}
        )
    except (KeyError, TypeError, RuntimeError) as error:
        raise MuguetError(f"{path} does not hold a complete model: save or train it again") from error
    kernels_channels_last(method.eval().requires_grad_(False))
    return Denoiser(parts, method, scalings, transfers, header["training"]).to(place)


def _renamed(
    tensors: Mapping[str, npt.NDArray[np.generic]], header: Mapping[str, Any]
) -> dict[str, npt.NDArray[np.generic]]:
    """The tensors under their names of today: format 3 kept the state of the gate in networks that have one."""
    found = dict(tensors)
    if header["format"] == 3:
        found["gate_open"] = found.pop("net.sighted", np.zeros((), np.float32))
        found.pop("net.net.sighted", None)
    return found


def _arrays(module: torch.nn.Module) -> dict[str, npt.NDArray[np.generic]]:
    return {name: value.detach().cpu().numpy() for name, value in module.state_dict().items()}
