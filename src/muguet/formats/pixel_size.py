"""Read the pixel size of TIFF dialects, in micrometres and seconds.

Each program stores the size in its own place and unit, and many programs write a meaningless default. Such a
size is left out, because a wrong scale bar is worse than none.
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
# Programs write these resolutions, in dots per inch, when the pixel size is unknown.
_MEANINGLESS_DPI = frozenset((1, 72, 96, 100, 150, 200, 300, 600))


def positive(value: Any) -> float | None:
    """Return the magnitude of a finite number other than 0; None for any other value."""
    try:
        number = abs(float(value))  # ImageJ writes a negative spacing for stacks recorded downwards.
    except (TypeError, ValueError):
        return None
    return number if 0 < number < math.inf else None


def in_micrometres(value: Any, unit: Any) -> float | None:
    """Return a length in micrometres; None if the value or its unit is meaningless."""
    return _scaled(value, unit, MICROMETRES)


def in_seconds(value: Any, unit: Any) -> float | None:
    """Return a duration in seconds; None if the value or its unit is meaningless."""
    return _scaled(value, unit, _SECONDS)


def _scaled(value: Any, unit: Any, units: Mapping[str, float]) -> float | None:
    """Return `value` in micrometres or seconds; None if the value or its unit is meaningless."""
    # ImageJ writes the micro sign as an escape sequence, and Unicode has two micro signs.
    name = unicodedata.normalize("NFKC", str(unit).replace("\\u00B5", "µ")).strip().lower().replace("μ", "u")
    factor = units.get(name) or units.get(name.removesuffix("s")) or units.get(name.removesuffix("es"))
    number = positive(value)
    return number * factor if number and factor else None


def only_known(sizes: Mapping[str, float | None]) -> dict[str, float]:
    """Return the sizes that are not None."""
    return {letter: size for letter, size in sizes.items() if size is not None}


def _resolutions(page: tifffile.TiffPage) -> dict[str, float]:
    """Return the pixels per unit along X and Y, as far as the tags hold them."""
    found: dict[str, float | None] = {}
    for letter, tag in (("X", "XResolution"), ("Y", "YResolution")):
        value = page.tags.valueof(tag)
        numerator, denominator = value if isinstance(value, tuple) and len(value) == 2 else (value, 1)
        found[letter] = positive(numerator / denominator) if numerator and denominator else None
    return only_known(found)


def size_from_tags(page: tifffile.TiffPage) -> dict[str, float]:
    """Return the pixel size from the resolution tags of a plain TIFF, unless they hold a default value."""
    unit = {2: "inch", 3: "cm"}.get(int(page.tags.valueof("ResolutionUnit", default=2)))
    sizes: dict[str, float | None] = {}
    for letter, resolution in _resolutions(page).items():
        size = _scaled(1 / resolution, unit, MICROMETRES)
        default = resolution == 1 or (size is not None and round(25400 / size, 1) in _MEANINGLESS_DPI)
        sizes[letter] = None if default else size
    return only_known(sizes)


def size_from_imagej(meta: Mapping[str, Any], page: tifffile.TiffPage) -> dict[str, float]:
    """Return the pixel size of an ImageJ hyperstack from its description and the tags of its first page."""
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
    return only_known(sizes)


def size_from_ome(pixels: Mapping[str, str]) -> dict[str, float]:
    """Return the pixel size from the attributes of the element Pixels of OME-XML."""
    sizes = {
        letter: _scaled(
            pixels.get(f"PhysicalSize{letter}"), pixels.get(f"PhysicalSize{letter}Unit", "µm"), MICROMETRES
        )
        for letter in "XYZ"
    }
    sizes["T"] = _scaled(pixels.get("TimeIncrement"), pixels.get("TimeIncrementUnit", "s"), _SECONDS)
    return only_known(sizes)


def size_from_lsm(info: Mapping[str, Any]) -> dict[str, float]:
    """Return the pixel size from the record CZ_LSMINFO of a Zeiss LSM file, which is in metres and seconds."""
    sizes = {letter: _scaled(info.get(f"VoxelSize{letter}"), "m", MICROMETRES) for letter in "XYZ"}
    sizes["T"] = positive(info.get("TimeIntervall"))  # The format spells it so.
    return only_known(sizes)


def size_from_stk(meta: Mapping[str, Any]) -> dict[str, float]:
    """Return the pixel size from the tags of a MetaMorph STK file; Z is the distance of the first two planes."""
    unit = meta.get("CalibrationUnits", "")
    sizes = {letter: _scaled(meta.get(f"{letter}Calibration"), unit, MICROMETRES) for letter in "XY"}
    distances = meta.get("ZDistance")
    sizes["Z"] = (
        _scaled(distances[0], unit or "um", MICROMETRES) if distances is not None and len(distances) else None
    )
    return only_known(sizes)
