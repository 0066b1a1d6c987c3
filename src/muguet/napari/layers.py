"""From napari's layers to sources, and from results to layers with the same place, units and colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from muguet.errors import MuguetError
from muguet.interactive.source import Source

KEPT = (
    "scale",
    "translate",
    "rotate",
    "shear",
    "affine",
    "units",
    "axis_labels",
    "blending",
    "gamma",
    "interpolation2d",
)
"""Attributes of an image layer that its result takes over."""

MICROMETRES = {"nanometer": 1e-3, "micrometer": 1.0, "millimeter": 1e3, "meter": 1e6}
"""Micrometres in each unit of length that layers may have."""


def sources(layers: Sequence[Any], sliders: Sequence[str] = ()) -> list[Source]:
    """Return the levels of image layers of one shape, from the finest to the coarsest; one for other layers.

    Parameters
    ----------
    layers
        The layers.
    sliders
        The names of the axes of the viewer, which label those axes that have no label in the layer.

    Raises
    ------
    MuguetError
        If no layer is given, or the layers do not fit each other.
    """
    if not layers:
        raise MuguetError("no layer is chosen: choose an image layer in the list")
    counts = {len(levels_of(layer)) for layer in layers}
    if len(counts) > 1 or len({bool(layer.rgb) for layer in layers}) > 1:
        raise MuguetError(
            "the chosen layers are of different kinds (multiscale and single-scale, or coloured and not): "
            "denoise them one after the other"
        )
    names = tuple(layer.name for layer in layers)
    rgb, given = bool(layers[0].rgb), tuple(layers[0].axis_labels)
    shown = tuple(sliders)[-len(given) :] if len(sliders) >= len(given) else given
    labels = tuple(
        other if own.removeprefix("axis ") == str(k - len(given)) else own
        for k, (own, other) in enumerate(zip(given, shown, strict=True))
    )
    units = tuple(map(str, layers[0].units))
    return [
        Source(arrays, names, rgb, labels, units)
        for arrays in zip(*(levels_of(layer) for layer in layers), strict=True)
    ]


def levels_of(layer: Any) -> list[Any]:
    """Return the arrays of a layer, from the finest level to the coarsest."""
    return list(layer.data) if layer.multiscale else [layer.data]


def result_attributes(layer: Any, kind: str) -> dict[str, Any]:
    """Return the arguments of `add_image` for a result that is shown as its layer is.

    Parameters
    ----------
    layer
        The noisy layer.
    kind
        The word behind its name in the name of the result.
    """
    found = {name: getattr(layer, name) for name in KEPT}
    found["name"] = f"{layer.name} {kind}"
    found["rgb"], found["multiscale"] = layer.rgb, layer.multiscale
    if not layer.rgb:
        found["colormap"], found["contrast_limits"] = layer.colormap, tuple(layer.contrast_limits)
    return found


def shown_sample(source: Source, layer: Any, point: Sequence[float]) -> int:
    """Return the number of the sample that is shown where the sliders of the viewer stand at a point of the world."""
    if not source.leading:
        return 0
    at = layer.world_to_data(tuple(point)[-layer.ndim :])
    sizes = source.leading
    leading = [min(max(round(float(index)), 0), size - 1) for index, size in zip(at, sizes, strict=False)]
    return source.place(leading)[0]


def pixel_size(layer: Any) -> float | None:
    """Return the micrometres per pixel along the columns; None if the layer's unit is no length."""
    unit = MICROMETRES.get(str(layer.units[-1]))
    return None if unit is None else float(layer.scale[-1]) * unit
