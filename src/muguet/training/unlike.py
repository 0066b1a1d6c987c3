"""Find images of a training set that do not belong together, because their exposures or data types differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from muguet.image.scaling import Scaling
from muguet.training.unlike_noise import unlike_noise

# Images form one group if their ranges of brightness, in ascending order, rise by less than this factor from one to the
# next. Fields of one exposure differ by a factor of ten in W2S, but without such a gap.
_MAX_RATIO = 2.5
_MIN_PLANES = (
    4  # Fewer planes of one image are not compared: two fields of one exposure may differ by a factor of 8.
)
_MAX_NAMES = 6  # A sentence names at most this many images.
_MAX_VALUES = 20_000  # The range of an image is measured on about this many of its values.


def unlike(
    names: Sequence[str],
    images: Sequence[npt.NDArray[np.generic]],
    dtypes: Sequence[np.dtype[np.generic]],
) -> list[str]:
    """Return sentences that name the images, or the planes of a single image, that differ from the others.

    One network and one noise law are learned for all images, in units of the range of brightness they share. A dim
    image among bright ones has little weight in the training, and an image of another exposure or gain has another
    noise law.

    Parameters
    ----------
    names
        Name of each image.
    images
        Planes ``(n, c, *space)`` of each image; NaN marks missing pixels.
    dtypes
        Data type of each image as it was given.
    """
    notes: list[str] = []
    if len({np.dtype(dtype).itemsize for dtype in dtypes if np.dtype(dtype).kind in "iu"}) > 1:
        small = min(np.dtype(dtype).itemsize for dtype in dtypes)
        few = [name for name, dtype in zip(names, dtypes, strict=True) if np.dtype(dtype).itemsize == small]
        notes.append(
            f"The images have different data types ({_listed(few)}: {8 * small} bits, others more), so their counts do "
            "not mean the same: denoise images of one type together, and the others in a run of their own."
        )
    channels = images[0].shape[1]
    where: dict[str, list[str]] = {}
    for channel in range(channels):
        if len(images) > 1:
            parts, labels = [image[:, channel] for image in images], list(names)
        elif len(images[0]) >= _MIN_PLANES:
            parts, labels = list(images[0][:, channel]), [f"plane {n}" for n in range(len(images[0]))]
        else:
            continue
        found = _unlike_scales(labels, parts)
        if len(images) > 1:
            found += _unlike_noises(labels, parts)
        for note in found:
            where.setdefault(note, []).append(str(channel))
    for note, those in where.items():
        which = f"Channel{'s' * (len(those) > 1)} {_listed(those)}: " if len(those) < channels else ""
        notes.append(which + note)
    return notes


def _unlike_scales(labels: Sequence[str], parts: Sequence[npt.NDArray[np.generic]]) -> list[str]:
    scales = np.array([_scale(part) for part in parts])
    known = np.flatnonzero(scales > 0)
    if known.size < 2:
        return []
    order = known[np.argsort(scales[known], kind="stable")]
    groups = np.split(order, 1 + np.flatnonzero(np.diff(np.log(scales[order])) > np.log(_MAX_RATIO)))
    largest = max(groups, key=len)
    if len(groups) == 1:
        return []
    middle = float(np.median(scales[largest]))
    away = [f"{labels[i]} (×{scales[i] / middle:.2g})" for i in np.sort(order) if i not in largest]
    return [
        f"Not alike: {_listed(away)} {'has' if len(away) == 1 else 'have'} another range of brightness than the rest. "
        "One model for all may be worse than one for each: denoise images of one exposure together, in separate runs."
    ]


def _unlike_noises(labels: Sequence[str], parts: Sequence[npt.NDArray[np.generic]]) -> list[str]:
    away = [f"{labels[at]} (×{ratio:.2g})" for at, ratio in unlike_noise(parts).items()]
    if not away:
        return []
    return [
        f"Not alike: at the same signal, the noise of {_listed(away)} has another variance than that of the rest, as "
        "from another camera or gain. One noise law fits none of them: denoise images of one camera and one setting "
        "together, in separate runs."
    ]


def _scale(planes: npt.NDArray[np.generic]) -> float:
    """Return the range of brightness of planes above their background; 0 without finite values."""
    flat = planes.reshape(-1)
    values = flat[:: max(flat.size // _MAX_VALUES, 1)].astype(np.float64)
    values = values[np.isfinite(values)]
    return Scaling.fit(values).scale if values.size else 0.0


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_MAX_NAMES]) + (
        f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    )
