"""`muguet info`: a summary of an image or a model file."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from muguet.cli.shared.display import print_json
from muguet.cli.shared.files import check_files
from muguet.cli.shared.scenes import OneScene
from muguet.system.terminal import printable

if TYPE_CHECKING:
    from muguet.formats.lazy import LazyImage
    from muguet.image.image import Image

_MAX_PIXELS = 2**26  # The values of a larger image are examined in its middle.
_MIN_SIDE = 512


def info(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An image or a model.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    scene: OneScene = None,
) -> None:
    """Print a summary of a file.

    For an image: axes, data type, pixel size, chunks, saturation, noise, and an estimate of the time and memory that
    muguet denoise takes for it.
    For a model: method, training and noise law.
    """
    from muguet.cli.shared.paths import is_model

    check_files([file])
    if is_model(file):
        facts = _model(file)
        print_json(facts) if as_json else _print(facts, max(map(len, facts)))
        return
    from muguet.cli.shared.cost import described, estimate
    from muguet.formats.names import ending

    facts, images = _image(file, scene)
    width = max(map(len, facts))
    if not as_json:
        _print(facts, width)  # The estimate waits for PyTorch, which takes seconds.
    cost = estimate(images, ending(file).endswith(".zarr"))
    if as_json:
        print_json({**facts, "estimate": cost})
    else:
        _print({"estimate": described(cost)}, width)


def _print(facts: Mapping[str, Any], width: int) -> None:
    """Print facts as a table, whose first column has this width."""
    for name, value in facts.items():
        first, *others = _text(value).split("\n")
        print(f"{name.replace('_', ' '):<{width}}  {first}")
        for line in others:
            print(f"{'':<{width}}  {line}")
    sys.stdout.flush()


def _image(path: Path, scene: str | None) -> tuple[dict[str, Any], Sequence[LazyImage]]:
    from muguet.formats.registry import open_all
    from muguet.image.values import clipping_level, quantum, require_real
    from muguet.noise.transfer.single_image import rough_std

    images = open_all(path, scenes=None if scene is None else [scene])
    first = images[0]
    image = first.about
    require_real(image.data, str(path))
    notes = list(image.notes)
    data = first.read(_examined(image, notes))
    finite = np.isfinite(data) if data.dtype.kind == "f" else np.ones(data.shape, bool)
    values = data[finite]
    level = clipping_level(data)
    planes = np.moveaxis(data, (image.axes.index("Y"), image.axes.index("X")), (-2, -1))
    noise = [rough_std(plane) for plane in planes.reshape(-1, *planes.shape[-2:])[:8]]
    sizes = {axis: f"{size:.6g} {'s' if axis == 'T' else 'µm'}" for axis, size in image.pixel_size.items()}
    names = [each.about.name or str(i) for i, each in enumerate(images)]
    facts = {
        "file": str(path),
        **({"images": names} if len(images) > 1 else {}),
        "axes": image.axes,
        "shape": list(image.data.shape),
        "dtype": str(image.data.dtype),
        "size_in_memory": _size(sum(each.nbytes for each in images)),
        "stored_as": image.kind + (f", {image.compression}" if image.compression else ""),
        **first.storage,
        "pixel_size": sizes or "unknown",
        **({"channel_names": list(image.channel_names)} if image.channel_names else {}),
        "range": [float(values.min()), float(values.max())] if values.size else None,
        "missing": f"{100 * (1 - values.size / data.size):.3g} % NaN or infinite",
        "saturated": "no" if level is None else f"{100 * float((values >= level).mean()):.2g} % at {level:g}",
        "step_of_values": quantum(data) or "none",
        "noise_of_the_background": f"standard deviation about {float(np.median(noise)):.3g}",
        "notes": notes,
        **({"made_by": dict(image.provenance)} if image.provenance else {}),
    }
    return facts, images


def _size(number: float) -> str:
    return f"{number / 1e9:.3g} GB" if number >= 1e9 else f"{number / 1e6:.3g} MB"


def _examined(image: Image, notes: list[str]) -> tuple[slice, ...]:
    """Return the part of an image whose values are examined: all of it, or the middle of one that is very large."""
    part = [slice(0, size) for size in image.data.shape]
    for letter in "TZYX":
        if letter in image.axes and math.prod(each.stop - each.start for each in part) > _MAX_PIXELS:
            axis = image.axes.index(letter)
            size = image.data.shape[axis]
            rest = math.prod(each.stop - each.start for i, each in enumerate(part) if i != axis)
            length = min(max(_MAX_PIXELS // rest, _MIN_SIDE if letter in "YX" else 1), size)
            part[axis] = slice((size - length) // 2, (size - length) // 2 + length)
    if any(each.stop - each.start < size for each, size in zip(part, image.data.shape, strict=True)):
        sizes = "×".join(str(each.stop - each.start) for each in part)
        notes.append(f"The image is large: its values were examined on {sizes} pixels in its middle.")
    return tuple(part)


def _model(path: Path) -> dict[str, Any]:
    from muguet.denoiser.model_file import load, model_id
    from muguet.noise.table import law_table
    from muguet.recipes.find import find_recipe

    model = load(path)
    training = model.training
    facts: dict[str, Any] = {
        "file": str(path),
        "identifier": model_id(model),
        "recipe": f"{model.parts.recipe}: {find_recipe(model.parts.recipe).about}",
        "network": model.parts.net,
        "prior": model.parts.prior,
        **(
            {
                "weights": [
                    f"trained network {blend.trained:.3g}, shipped network {blend.prior:.3g}, blur {blend.blur:.3g}"
                    for blend in model.blends
                ]
            }
            if model.blends
            else {}
        ),
        "components": model.parts.components,
        "dimensions": model.parts.dimensions,
        "channels": model.parts.channels,
        "scaling": [
            f"(counts {'−' if s.offset >= 0 else '+'} {abs(s.offset):.6g}) / {s.scale:.6g}"
            for s in model.scalings
        ],
        "trained_on": [
            f"{each['name']}: {each['axes']} {'×'.join(map(str, each['shape']))} {each['dtype']}"
            for each in training.get("data", [])
        ],
        "steps": training.get("steps"),
        "seconds": training.get("seconds"),
        "seed": training.get("plan", {}).get("seed"),
        "held_out_negative_log_likelihood": training.get("held_out"),
        "versions": training.get("versions"),
        "device": training.get("device"),
    }
    if model.method.learns_law:
        for c, (law, origin, (low, high)) in enumerate(
            zip(model.laws, model.law_origins, training["signal_range"], strict=True)
        ):
            table = law_table(law, np.linspace(low, high, 5), levels=())
            facts[f"noise_of_channel_{c}"] = {
                "law": f"{origin.words}. {origin.note}".strip(),
                **{
                    f"at signal {signal:.4g}": f"standard deviation {std:.4g}, skewness {skewness:.2f}"
                    for signal, std, skewness in zip(*table.values(), strict=True)
                },
            }
    return facts


def _text(value: Any) -> str:
    """Return a value as text for people: ranges with "to", shapes with "×", lists and mappings one item a line."""
    if value is None:
        return "unknown"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return "\n".join(printable(f"{name}: {each}") for name, each in value.items())
    if not isinstance(value, list):
        return printable(str(value))
    if not value:
        return "none"
    if all(isinstance(each, float) for each in value):
        return " to ".join(f"{each:g}" for each in value)
    between = " × " if all(isinstance(each, int) for each in value) else "\n"
    return between.join(printable(str(each)) for each in value)
