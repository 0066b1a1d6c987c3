"""Screen an image before anything is learned, measured or denoised: which pixels are measurements, which are not?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from muguet.image.axes import Layout
from muguet.image.defects import defective, repaired
from muguet.image.spikes import spikes
from muguet.image.valid import is_blank, unmeasured

Array = npt.NDArray[np.generic]
Mask = npt.NDArray[np.bool_]

_MAX_FRAMES = 31  # Defects of a series are searched in at most this many of its planes.
_MIN_FRAMES = 3  # From this many planes on, defects are searched in all of them together.
_MAX_NAMES = 8  # A note lists the numbers of at most this many planes.


@dataclass(frozen=True, eq=False)
class Screened:
    """An image without the pixels that are not measurements.

    Attributes
    ----------
    original
        The image as it was given, as an array of any shape and data type.
    values
        The same image with NaN in place of pixels that are not measurements, and with defective pixels replaced by
        the mean of their neighbours. It is `original` itself if there are none.
    missing
        Mask of the pixels that are not measurements, beside those that are NaN or infinite; None: there are none.
    defects
        Mask of the defective pixels; None: there are none.
    notes
        Sentences for the user.
    """

    original: Array
    values: Array
    missing: Mask | None = None
    defects: Mask | None = None
    notes: tuple[str, ...] = ()

    def restore(self, denoised: npt.NDArray[Any]) -> None:
        """Write the pixels that are not measurements into a denoised image, as they were, in place."""
        if self.missing is not None:
            with np.errstate(over="ignore", invalid="ignore"):
                denoised[self.missing] = self.original[self.missing].astype(denoised.dtype)


def screen(image: npt.ArrayLike, layout: Layout, search: bool = True) -> Screened:
    """Find the pixels of an image that are not measurements, and defective pixels.

    See `muguet.image.valid` and `muguet.image.defects`. The mask of a NumPy masked array is kept.

    Parameters
    ----------
    image
        Pixels of any real data type, or a masked array.
    layout
        How the axes of the image become planes.
    search
        False: use only the mask of a masked array, and search for nothing.
    """
    original: Array = np.ma.getdata(image) if np.ma.isMaskedArray(image) else np.asarray(image)
    masked = np.ma.getmaskarray(image) if np.ma.isMaskedArray(image) else None
    masked = masked if masked is not None and masked.any() else None
    notes: list[str] = []
    if masked is not None:
        notes.append(f"{percent(masked)} of the pixels are masked: treated as missing and kept as they are.")
    if original.dtype.kind not in "uif" or not (search or masked is not None):
        return Screened(original, original)
    planes = layout.split(original)
    missing = np.zeros(planes.shape, bool) if masked is None else layout.split(masked).copy()
    defects = np.zeros(planes.shape, bool)
    for c in range(layout.channels) if search else ():
        channel = f"Channel {c}: " if layout.channels > 1 else ""
        notes += [channel + note for note in _find_missing(planes[:, c], missing[:, c])]
        _find_defects(planes[:, c], missing[:, c], defects[:, c])
        notes += [channel + note for note in _find_spikes(planes[:, c], missing[:, c], defects[:, c])]
    if not missing.any() and not defects.any():
        return Screened(original, original)
    values = as_float(planes)
    values[missing] = np.nan
    if defects.any():
        for at in zip(*np.nonzero(defects.any(axis=(-2, -1))), strict=True):
            values[at] = repaired(values[at].astype(np.float64), defects[at])
        notes.append(count_defects(defects))
    return Screened(
        original,
        layout.join(values),
        layout.join(missing) if missing.any() else None,
        layout.join(defects) if defects.any() else None,
        tuple(notes),
    )


def screened_plane(plane: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return a plane ``(y, x)`` in float64 with NaN in place of pixels that are no measurements or defective."""
    values = plane.astype(np.float64)
    if np.ma.isMaskedArray(plane):
        values = np.ma.filled(plane.astype(np.float64), np.nan)
    if plane.ndim != 2 or plane.dtype.kind not in "uif":
        return values
    (missing,) = unmeasured([np.ma.getdata(plane)])
    if missing is not None and not missing.all():
        values[missing] = np.nan
    (defects,) = defective([values])
    if defects is not None:
        values[defects] = np.nan
    return values


def _find_missing(planes: Array, missing: Mask) -> list[str]:
    """Set the mask of the pixels of one channel ``(n, *space)`` that are not measurements; return sentences."""
    flat, mask = (each.reshape(-1, *each.shape[-2:]) for each in (planes, missing))
    blank: list[int] = []
    value, n_padding = None, 0
    for number, (plane, found) in enumerate(zip(flat, unmeasured(list(flat)), strict=True)):
        if found is None:
            continue
        new = found & ~mask[number]
        mask[number] |= found
        if found.all() and is_blank(plane):
            blank.append(number)
        elif new.any():
            values, counts = np.unique(plane[new], return_counts=True)
            value, n_padding = float(values[np.argmax(counts)]), n_padding + int(new.sum())
    missing[...] = mask.reshape(missing.shape)  # `reshape` copies a mask whose axes are not in this order.
    notes = []
    if n_padding:
        notes.append(
            f"{share(n_padding, missing.size)} of the pixels are padding (connected regions of exactly {value:g}, "
            "which no camera records): treated as missing and kept as they are."
        )
    if len(blank) == len(flat):
        notes.append(f"blank (every pixel is {float(flat[0].flat[0]):g}): not denoised, kept as it is.")
    elif blank:
        some = ", ".join(map(str, blank[:_MAX_NAMES])) + (", …" if len(blank) > _MAX_NAMES else "")
        one = len(blank) == 1
        notes.append(
            f"{len(blank)} of {len(flat)} planes {'is' if one else 'are'} blank (number {some}, counted from 0): "
            f"not used, and kept as {'it is' if one else 'they are'}."
        )
    return notes


def _find_defects(planes: Array, missing: Mask, defects: Mask) -> None:
    """Set the mask of the defective pixels of one channel ``(n, *space)``."""
    flat = planes.reshape(-1, *planes.shape[-2:])
    absent: Mask = missing.reshape(-1, *planes.shape[-2:])
    used = [i for i in range(len(flat)) if not absent[i].all()]
    found = np.zeros(flat.shape, bool)
    if len(used) >= _MIN_FRAMES:
        some = used[:: -(-len(used) // _MAX_FRAMES)]
        mask = defective([np.where(absent[i], np.nan, flat[i].astype(np.float64)) for i in some])[0]
        if mask is not None:
            found |= mask
    else:
        for i in used:
            mask = defective([np.where(absent[i], np.nan, flat[i].astype(np.float64))])[0]
            if mask is not None:
                found[i] = mask
    defects |= (found & ~absent).reshape(defects.shape)


def _find_spikes(planes: Array, missing: Mask, defects: Mask) -> list[str]:
    """Add the wild pixels of one channel ``(n, *space)`` to the mask of missing pixels; return sentences."""
    flat, number = planes.reshape(-1, *planes.shape[-2:]), 0
    shape = missing.shape[:-2]
    for plane, place in zip(flat, np.ndindex(shape), strict=True):
        known = plane
        if missing[place].any() or defects[place].any():
            known = np.where(missing[place] | defects[place], np.nan, plane.astype(np.float64))
        found = spikes(known)
        if found is not None:
            missing[place] |= found
            number += int(found.sum())
    if not number:
        return []
    one = number == 1
    return [
        f"{number} pixel{'' if one else 's'} {'is' if one else 'are'} far outside the range of all others (a cosmic "
        f"ray, for example): not used, and kept as {'it is' if one else 'they are'}."
    ]


def count_defects(defects: Mask) -> str:
    """Return a sentence with the number of defective pixels, columns and rows of planes ``(..., y, x)``."""
    flat = defects.reshape(-1, *defects.shape[-2:])
    # In a series the defects are the same in every plane: they are counted in the plane that has most of them.
    plane = flat[int(np.argmax(flat.sum((1, 2))))]
    columns, rows = (plane.mean(axis) > 0.2 for axis in (0, 1))
    pixels = int(plane[np.ix_(~rows, ~columns)].sum())
    counts = [(pixels, "pixel"), (int(columns.sum()), "column"), (int(rows.sum()), "row")]
    texts = [f"{number} {name}{'s' * (number > 1)}" for number, name in counts if number]
    return (
        f"{' and '.join(texts)} of the camera {'is' if sum(n for n, _ in counts) == 1 else 'are'} defective (outliers "
        "that neither the noise nor the optics explain): left out, and replaced in the result."
    )


def as_float(planes: Array) -> npt.NDArray[Any]:
    """Return a copy as floating-point numbers that represent every value."""
    if planes.dtype.kind == "f":
        return planes.copy()
    return planes.astype(np.float32 if planes.dtype.itemsize <= 2 else np.float64)


def percent(mask: Mask) -> str:
    """Return the share of a mask's pixels in words."""
    return share(int(mask.sum()), mask.size)


def share(part: int, total: int) -> str:
    """Return a share in percent, in words."""
    value = 100 * part / total
    return f"{value:.3g} %" if value >= 0.01 else "less than 0.01 %"
