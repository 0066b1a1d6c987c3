"""How large a pixel is: the sizes that TIFF dialects hold, in micrometres and seconds.

Everyone writes them elsewhere and in other units, and many programs write a number that means nothing; such
a size is left out, for a wrong scale bar is worse than none.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tifffile

MICROMETRES = {
    **dict.fromkeys(("m", "meter", "metre"), 1e6),
    **dict.fromkeys(("cm", "centimeter", "centimetre"), 1e4),
    **dict.fromkeys(("mm", "millimeter", "millimetre"), 1e3),
    **dict.fromkeys(("um", "micron", "micrometer", "micrometre"), 1.0),
    **dict.fromkeys(("nm", "nanometer", "nanometre"), 1e-3),
    **dict.fromkeys(("å", "angstrom"), 1e-4),
    **dict.fromkeys(("pm", "picometer", "picometre"), 1e-6),
    **dict.fromkeys(("in", "inch", '"'), 25400.0),
}
_SECONDS = {
    **dict.fromkeys(("s", "sec", "second"), 1.0),
    **dict.fromkeys(("ms", "msec", "millisecond"), 1e-3),
    **dict.fromkeys(("us", "usec", "microsecond"), 1e-6),
    **dict.fromkeys(("min", "minute"), 60.0),
    **dict.fromkeys(("h", "hr", "hour"), 3600.0),
}
# Resolutions, in dots per inch, that programs write when they know nothing.
_MEANINGLESS_DPI = frozenset((1, 72, 96, 100, 150, 200, 300, 600))


def positive(value: Any) -> float | None:
    """Return a positive finite number, or None for whatever else a file may hold."""
    try:
        number = abs(float(value))  # ImageJ writes a negative spacing for stacks taken downwards
    except (TypeError, ValueError):
        return None
    return number if 0 < number < math.inf else None


def _scaled(value: Any, unit: Any, units: Mapping[str, float]) -> float | None:
    """Return `value` in micrometres or seconds, or None where the value or its unit means nothing."""
    # ImageJ spells the micro sign as an escape, and Unicode has two of them.
    name = unicodedata.normalize("NFKC", str(unit).replace("\\u00B5", "µ")).strip().lower().replace("μ", "u")
    factor = units.get(name) or units.get(name.removesuffix("s")) or units.get(name.removesuffix("es"))
    number = positive(value)
    return number * factor if number and factor else None


def known(sizes: Mapping[str, float | None]) -> dict[str, float]:
    """Return the sizes without those that mean nothing."""
    return {letter: size for letter, size in sizes.items() if size is not None}


def _resolutions(page: tifffile.TiffPage) -> dict[str, float]:
    """Return pixels per unit along X and Y, where the tags hold them."""
    found: dict[str, float | None] = {}
    for letter, tag in (("X", "XResolution"), ("Y", "YResolution")):
        value = page.tags.valueof(tag)
        numerator, denominator = value if isinstance(value, tuple) and len(value) == 2 else (value, 1)
        found[letter] = positive(numerator / denominator) if numerator and denominator else None
    return known(found)


def size_from_tags(page: tifffile.TiffPage) -> dict[str, float]:
    """Return the pixel size that a plain TIFF's resolution says, if it is more than a default."""
    unit = {2: "inch", 3: "cm"}.get(int(page.tags.valueof("ResolutionUnit", default=2)))
    sizes: dict[str, float | None] = {}
    for letter, resolution in _resolutions(page).items():
        size = _scaled(1 / resolution, unit, MICROMETRES)
        default = resolution == 1 or (size is not None and round(25400 / size, 1) in _MEANINGLESS_DPI)
        sizes[letter] = None if default else size
    return known(sizes)


def size_from_imagej(meta: Mapping[str, Any], page: tifffile.TiffPage) -> dict[str, float]:
    """Return the pixel size of an ImageJ hyperstack, from its description and the tags of its first page."""
    if "unit" not in meta:
        sizes: dict[str, float | None] = dict(size_from_tags(page))
    else:
        sizes = {
            letter: _scaled(1 / resolution, meta.get(f"{letter.lower()}unit", meta["unit"]), MICROMETRES)
            for letter, resolution in _resolutions(page).items()
        }
    sizes["Z"] = _scaled(meta.get("spacing"), meta.get("zunit", meta.get("unit")), MICROMETRES)
    rate = positive(meta.get("fps"))
    interval = positive(meta.get("finterval")) or (1 / rate if rate else None)
    sizes["T"] = _scaled(interval, meta.get("tunit", "sec"), _SECONDS)
    return known(sizes)


def size_from_ome(pixels: Mapping[str, str]) -> dict[str, float]:
    """Return the pixel size that the attributes of OME-XML's element Pixels say."""
    sizes = {
        letter: _scaled(
            pixels.get(f"PhysicalSize{letter}"), pixels.get(f"PhysicalSize{letter}Unit", "µm"), MICROMETRES
        )
        for letter in "XYZ"
    }
    sizes["T"] = _scaled(pixels.get("TimeIncrement"), pixels.get("TimeIncrementUnit", "s"), _SECONDS)
    return known(sizes)
