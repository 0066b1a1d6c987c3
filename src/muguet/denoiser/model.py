"""A trained model: the parts of a denoiser, its noise laws in camera counts, and what its file holds."""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch

from muguet.denoiser.laws import is_untrained, laws_in_counts, network_laws, origins_of
from muguet.errors import MuguetError
from muguet.image.axes import Layout, named
from muguet.image.scaling import Scaling
from muguet.method import Method
from muguet.noise.calibrated import calibrate
from muguet.noise.correlated.whitening import Whitening
from muguet.noise.kernel import Kernel
from muguet.noise.law import Law
from muguet.noise.numerics import extreme
from muguet.noise.origin import Origin
from muguet.noise.transfer.curve import MeanVariance
from muguet.pattern.correction import KEEP, Correction
from muguet.prediction.blend import Blend
from muguet.prediction.error_scale import ErrorScale
from muguet.recipes.parts import Parts
from muguet.system import tensor_file
from muguet.system.device import bfloat16_pays
from muguet.system.text import html_table, json_safe

MAPS = "maps."
"""The names of the tensors of a model file that hold maps of the camera begin with this."""


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """A trained method with the scalings and noise laws that relate it to camera counts.

    `muguet.Denoiser` applies it to images; its attributes are described there.
    """

    parts: Parts
    method: Method
    scalings: tuple[Scaling, ...]
    transfers: tuple[MeanVariance | None, ...] = ()
    training: Mapping[str, Any] = field(default_factory=dict)
    blends: tuple[Blend, ...] = ()
    error_scales: tuple[ErrorScale, ...] = ()
    whitenings: tuple[Whitening | None, ...] = ()
    correction: Correction = field(default_factory=Correction)
    correlations: tuple[Kernel | None, ...] = ()

    # ------------------------------------------------------------ the parts

    @property
    def device(self) -> torch.device:
        """The device of the network."""
        return next(self.method.parameters()).device

    def to(self, device: torch.device | str) -> Self:
        """Move the denoiser to a device, in place, and return it."""
        self.method.to(device)
        for name in ("laws", "learned_laws"):  # They hold the modules that moved.
            self.__dict__.pop(name, None)
        self.method.low_precision = bfloat16_pays(torch.device(device), self.parts.dimensions)
        return self

    @property
    def dtype(self) -> np.dtype[np.floating]:
        """Data type that can hold the results: float32, or float64 for counts with a very large offset."""
        return np.dtype(np.float64 if any(scaling.wide for scaling in self.scalings) else np.float32)

    def layout(self, shape: Sequence[int], axes: str | None = None) -> Layout:
        """Return the layout by which an array of this shape is split into planes.

        Raises
        ------
        MuguetError
            If the model has other spatial dimensions or another number of channels.
        """
        letters = named(axes, shape)
        if self.parts.dimensions == 3 and "Z" not in letters:
            raise MuguetError(
                f"the model is for 3-D stacks and the image's axes {letters} have no Z: "
                "give a stack (--axes ZYX) or a 2-D model"
            )
        layout = Layout(letters, tuple(shape), self.parts.dimensions)
        if layout.channels != self.parts.channels:
            raise MuguetError(
                f"the model is for {self.parts.channels} channel{'s' * (self.parts.channels > 1)} and the image "
                f"({letters}, {tuple(shape)}) has {layout.channels}: train a model on such images"
            )
        return layout

    def whitening(self, channel: int = 0) -> Whitening | None:
        """Return the filters that make the noise of a channel white, in counts; None: its noise is independent."""
        return self.whitenings[channel] if self.whitenings else None

    @property
    def of_white(self) -> Self:
        """The denoiser of images that are white already, without the filters, and whose counts are corrected."""
        return replace(self, whitenings=(), correction=Correction(KEEP))

    @property
    def of_corrected(self) -> Self:
        """The denoiser of images whose counts are corrected already."""
        return replace(self, correction=Correction(KEEP))

    def measured_errors(self, channel: int = 0) -> dict[str, npt.NDArray[np.float64]]:
        """Return predicted and measured errors of groups of training pixels of one channel, in counts.

        See `muguet.prediction.ErrorScale.groups`.
        """
        scale = self.error_scales[channel] if self.error_scales else ErrorScale()
        return scale.groups(self.scalings[channel].scale)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}: {value}' for name, value in self._summary().items())})"

    def _repr_html_(self) -> str:
        """Return a table, which notebooks show."""
        return html_table(self._summary())

    def _summary(self) -> dict[str, str]:
        """The parts of the model, its training and its noise laws, in a few words each."""
        parts, steps = self.parts, self.training.get("steps")
        words = dict.fromkeys(origin.words for origin in self.law_origins)
        return {
            "recipe": str(parts.recipe),
            "network": str(parts.net),
            "dimensions": str(parts.dimensions),
            "channels": str(parts.channels),
            "steps": "unknown" if steps is None else str(steps),
            "noise law": "; ".join(words) or "none",
        }

    # --------------------------------------------------------------- noise law

    @functools.cached_property
    def laws(self) -> list[Law]:
        """The noise law of every channel, in camera counts.

        They are the laws that N-net learned (`learned_laws`) without the contribution of the estimate's error, see
        `muguet.noise.Calibrated`. For a channel in which the images do not separate the two, it is N-net's own law; see
        `law_origins`.
        """
        return self._in_counts(calibrate(self._network_laws(), self.transfers))

    @functools.cached_property
    def learned_laws(self) -> list[Law]:
        """The laws that N-net learned, in camera counts: those of the sum of the noise and the estimate's error.

        Before the first step of training they are `laws`.
        """
        return self.laws if self.untrained else self._in_counts(self._network_laws())

    def transfer(self, channel: int = 0) -> MeanVariance | None:
        """Return the photon-transfer curve of a channel in camera counts.

        None if none was measured, or if the counts are so large or small that variances are no numbers.
        """
        points = self.transfers[channel] if self.transfers else None
        scaling = self.scalings[channel]
        if points is None or extreme(scaling.scale):
            return None
        found, whitening = points.scaled(scaling.offset, scaling.scale), self.whitening(channel)
        return found if whitening is None else whitening.of_image(found)

    def _network_laws(self) -> list[Law]:
        return network_laws(self.method, self.scalings, self.training, self.parts.recipe)

    def _in_counts(self, laws: Sequence[Law]) -> list[Law]:
        # Laws in counts are read with arrays, and Apple's GPUs have no float64.
        if self.device.type != "cpu":
            laws = [copy.deepcopy(law).cpu() for law in laws]
        return laws_in_counts(laws, self.scalings, self.whitenings, self.correlations)

    @property
    def law_origins(self) -> list[Origin]:
        """How the noise law of every channel was obtained; empty if the method learns no law."""
        return origins_of(self.method, self.transfers, self.training, self.parts.channels)

    @property
    def untrained(self) -> bool:
        """Whether the model is a prior before the first step of training, so that N-net has not learned anything."""
        return is_untrained(self.method, self.training)

    @property
    def noise(self) -> Law:
        """The noise law of a model with one channel, in camera counts; see `laws` for several channels."""
        if self.parts.channels > 1:
            raise MuguetError(
                f"the model has {self.parts.channels} channels: use .laws[channel] instead of .noise"
            )
        return self.laws[0]

    # --------------------------------------------------------------- the file

    def save(self, path: str | Path) -> None:
        """Write the model to a safetensors file with a JSON header, completely or not at all."""
        tensor_file.write(Path(path), "model", arrays_of(self.method) | self._maps(), self.header())

    def _maps(self) -> dict[str, npt.NDArray[np.generic]]:
        """The maps of the camera by the name of their tensor."""
        return {f"{MAPS}{name}": each for name, each in self.correction.maps.given.items()}

    def header(self) -> dict[str, Any]:
        """Return the content of the JSON header of the model file."""
        return {
            **asdict(self.parts),
            "scalings": [scaling.as_dict() for scaling in self.scalings],
            "transfers": [points and points.as_dict() for points in self.transfers],
            "blends": [blend.as_dict() for blend in self.blends],
            "error_scales": [scale.as_dict() for scale in self.error_scales],
            **(
                {"whitenings": [each and each.as_dict() for each in self.whitenings]}
                if self.whitenings
                else {}
            ),
            **(
                {"correlations": [each and each.as_dict() for each in self.correlations]}
                if self.correlations
                else {}
            ),
            **self.correction.as_dict(),
            "training": json_safe(self.training),
        }


def arrays_of(module: torch.nn.Module) -> dict[str, npt.NDArray[np.generic]]:
    """Return the parameters and buffers of a module by name."""
    return {name: value.detach().cpu().numpy() for name, value in module.state_dict().items()}
