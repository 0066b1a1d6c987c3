"""A denoiser as the one-file network of a package for other programs, with the same weights and the same results."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor, nn

from muguet.denoiser.denoiser import Denoiser
from muguet.errors import MuguetError
from muguet.export.network import Muguet
from muguet.prediction.blend import Blend
from muguet.restoration.care import CareUNet
from muguet.restoration.filterbank import FilterBankNet
from muguet.restoration.optics import BehindOptics
from muguet.restoration.stabilised import Stabilised
from muguet.restoration.unet import UNet


@dataclass(frozen=True, eq=False)
class Standalone:
    """A network that takes and returns camera counts, as in `muguet.export.network`.

    Attributes
    ----------
    network
        The module, ``(b, channels, *space)`` to the same shape.
    arguments
        The arguments of its class, in values that YAML can hold.
    stride, halo
        For each axis of space: the number of which the size must be a multiple, and the number of pixels on each side
        that a pixel of the result depends on.
    """

    network: Muguet
    arguments: dict[str, Any]
    stride: tuple[int, ...]
    halo: tuple[int, ...]

    @classmethod
    def of(cls, model: Denoiser) -> Standalone:
        """Return the network of a denoiser, which gives what ``model(image, symmetries=1)`` gives on a single tile.

        Counts that the model corrects before it denoises them, such as lines with offsets, are not corrected.

        Raises
        ------
        MuguetError
            If the network is not one of this package, the noise of its images is correlated, or the model corrects
            images with maps of the camera.
        """
        if any(model.whitenings):
            raise MuguetError(
                "the noise of the model's images is correlated, and a package has no filters that make it white: "
                "train with --mask pixel or on images from before resampling, or use the model in muguet"
            )
        if model.correction.maps.given:
            raise MuguetError(
                "the model corrects images with maps of the camera, which a package does not hold: correct the images "
                "yourself and train on them without maps, or use the model in muguet"
            )
        method, cut = model.method, model.cut
        blends = model.blends or (Blend(),) * len(model.scalings)
        weights: dict[str, nn.Module | None] = {
            "net": method.net if any(blend.trained for blend in blends) else None,
            "prior": method.prior if any(blend.prior for blend in blends) else None,
        }
        halo = tuple(math.ceil(far / s) * s for far, s in zip(cut.halo, cut.stride, strict=True))
        arguments: dict[str, Any] = {
            **{
                name: None if net is None else described(net, model.parts.recipe)
                for name, net in weights.items()
            },
            "channels": [
                {**scaling.as_dict(), **asdict(blend)}
                for scaling, blend in zip(model.scalings, blends, strict=True)
            ],
            "halo": list(halo),
            "uses_pixel": bool(method.gate_open),
        }
        network = Muguet(**arguments)
        network.load_state_dict(_weights(weights, network))
        return cls(network.eval().requires_grad_(False), arguments, cut.stride, halo)

    @property
    def smallest(self) -> tuple[int, ...]:
        """The smallest size of an image along each axis of space: a reflected border is narrower than the image."""
        return tuple((far // s + 1) * s for far, s in zip(self.halo, self.stride, strict=True))


def described(net: nn.Module, recipe: str) -> dict[str, Any]:
    """Return the description from which `muguet.export.network.build` builds a network.

    Raises
    ------
    MuguetError
        If it is a network of the user's own.
    """
    if isinstance(net, Stabilised):
        return {"kind": "stabilised", "net": described(net.net, recipe)}
    if isinstance(net, BehindOptics):
        kernel = net.sigma if net.sigma is not None else net.kernel[0, 0].flip(0, 1).tolist()
        return {"kind": "optics", "net": described(net.net, recipe), "psf": kernel}
    if isinstance(net, FilterBankNet):
        brightest = net.brightest if math.isfinite(net.brightest) else None
        reach = list(net.bank.reach)
        return {
            "kind": "filterbank",
            "dims": net.dims,
            "widths": list(net.widths),
            "reach": reach,
            "brightest": brightest,
        }
    if isinstance(net, UNet):
        return {
            "kind": "unet",
            "dims": net.dims,
            "width": net.bottom.out_channels,
            "levels": net.levels,
        }
    if isinstance(net, CareUNet):
        return {
            "kind": "care",
            "dims": net.dims,
            "kernel": net.kernel,
            "residual": net.residual,
            "blur_pool": net.blur_pool,
            "top_skip": net.top_skip,
            "width": net.out.in_channels,
        }
    raise MuguetError(
        f"the recipe {recipe} has the network {type(net).__name__}, which is not part of muguet: only models with the "
        "networks of muguet can be exported"
    )


def _weights(nets: dict[str, nn.Module | None], network: Muguet) -> dict[str, Tensor]:
    """The weights that the one-file network uses, which leaves out the predicted error of the prior."""
    found = {
        f"{name}.{key}": value.detach().cpu().contiguous()
        for name, net in nets.items()
        if net is not None
        for key, value in net.state_dict().items()
    }
    return {key: found[key] for key in network.state_dict()}
