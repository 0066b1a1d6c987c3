"""Checks of a noisy plane alone: is the file what the camera recorded, and is its noise white?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.noise.transfer.correlation import Correlation, noise_correlation
from muguet.noise.transfer.single_image import rough_std
from muguet.quality.check import Check, Floats, Verdict
from muguet.quality.provenance import Provenance, provenance

SOURCE, WHITE = "The file is what was recorded", "The noise is white"

_JPEG = 0.2  # bits a coefficient: 0.01 at most without JPEG, over 1.5 at quality 95
_SATURATED = (0.01, 0.1)  # of the pixels
_COMB = 0.05  # of the grey levels; two levels of an 8-bit image's bulk may be missing by chance
_STEP = 1.0  # standard deviations of the noise: coarser steps hide it
_CORRELATED = (0.12, 0.25)  # FMD's detector has 0.06 and does no harm
_TOGETHER = (0.1, 0.15)  # in the residual; a good one's is negative
_ALIKE = 0.3  # along both axes: up to here it may be what the scene has of fine structure


def check_source(plane: npt.NDArray[np.generic]) -> Check:
    """Traces of JPEG, of a contrast stretch, of clipping and of coarse steps; see `muguet.quality.provenance`."""
    found = provenance(plane)
    if found is None:
        return Check(SOURCE, "doubtful", "No pixel is a number: nothing to check.", {})
    noise = rough_std(_finite(plane)) if min(plane.shape) >= 3 else 0.0
    figures = {
        "levels": float(found.levels),
        "step": found.step,
        "step_over_noise": found.step / noise if noise > 0 else float("nan"),
        "saturated": found.saturated,
        "missing_levels": found.missing_levels,
        "jpeg_bits": found.blocking,
    }
    return Check(SOURCE, *_judge_source(found, figures["step_over_noise"]), figures)


def _finite(plane: npt.NDArray[np.generic]) -> Floats:
    """NaN for what is infinite, or so large that its squares are."""
    values = plane.astype(np.float64)
    return np.where(np.abs(values) < 1e100, values, np.nan)


def _judge_source(found: Provenance, coarse: float) -> tuple[Verdict, str]:
    """The first of the traces that is there, the worst first."""
    if found.blocking > _JPEG:
        return "bad", (
            f"JPEG has been here: on its 8×8 grid the image holds {found.blocking:.1f} bits less a coefficient. It "
            "rounds the noise away and leaves blocks: use the file from before."
        )
    if found.fills:
        return "bad", (
            f"The contrast was stretched: values fill 0 to {found.high:.0f} to either end, so that dark and bright "
            "are cut and counts differ from image to image. Use the raw file."
        )
    if found.saturated > _SATURATED[1]:
        return "bad", (
            f"Saturated: {100 * found.saturated:.1f} % of the pixels are at {found.high:g}. What was there is lost; "
            "expose less, or take care not to measure there."
        )
    if found.saturated > _SATURATED[0]:
        return "doubtful", (
            f"Saturated in part: {100 * found.saturated:.1f} % of the pixels are at {found.high:g}, where what is "
            "shown is too dark."
        )
    if found.missing_levels > _COMB:
        return "doubtful", (
            f"Grey levels are missing ({100 * found.missing_levels:.0f} % of those between the dark and the bright "
            "ones): the contrast was changed after 8 bits were recorded. Use the raw file if there is one."
        )
    if coarse > _STEP:
        return "doubtful", (
            f"Steps are coarse: one is {coarse:.1f} standard deviations of the noise, which rounding hides. "
            "Record with more bits or a larger gain."
        )
    note = f" It was 8 bits once: {found.levels} different values." if found.once_bytes else ""
    return "good", f"No trace of JPEG, of a contrast stretch or of clipping ({_saturation(found)}).{note}"


def _saturation(found: Provenance) -> str:
    return f"{100 * found.saturated:.2g} % saturated" if found.saturated else "nothing saturated"


def check_white(
    plane: Floats, residual: tuple[Floats, Floats, int] | None = None, reach: Sequence[int] = ()
) -> Check:
    """Whether the noise of neighbours is independent, which all that is learned here rests on.

    Twice: in the noisy image, by what is too fine to be structure (`muguet.noise.transfer.correlation`), which an
    estimate that followed the noise cannot hide; and in the normalised residual (`muguet.quality.whiteness`), where a
    positive correlation at any lag is noise or structure that belongs together and went together.

    Parameters
    ----------
    plane
        The noisy ``(Y, X)``; NaN where missing or saturated.
    residual
        Autocorrelations of the residual along X and along Y, and of how many pixels, if there is one: below three
        standard errors 1/√n nothing is said.
    reach
        Neighbours along Y and X that were hidden with each pixel, if any.
    """
    try:
        noise = noise_correlation(plane[None])
    except MuguetError as error:
        return Check(WHITE, "doubtful", f"The noise's correlation was not measured: {error}.", {})
    figures = {"noise_x": float(noise.x[0]), "noise_y": float(noise.y[0])}
    if residual is not None:
        figures |= {"residual_x": _highest(residual[0]), "residual_y": _highest(residual[1])}
    axis, value = _beyond_structure(noise)
    if abs(value) > max(_CORRELATED[0], 3 * noise.error):
        hidden = int(dict(zip("YX", reach, strict=False)).get(axis, 0))
        verdict: Verdict = "bad" if abs(value) > _CORRELATED[1] and not hidden else "doubtful"
        return Check(
            WHITE, verdict, _told_correlated(axis, figures[f"noise_{axis.lower()}"], verdict, hidden), figures
        )
    left = max(figures.get("residual_x", 0.0), figures.get("residual_y", 0.0))
    count = 1 if residual is None else max(residual[2], 1)
    if left > max(_TOGETHER[0], 3 / count**0.5):
        return Check(
            WHITE,
            "bad" if left > _TOGETHER[1] else "doubtful",
            f"What was taken away is not white: neighbours in it correlate by {left:+.2f}, though the image's noise "
            "does not. It holds structure: the estimate is too smooth, or the model is another image's.",
            figures,
        )
    told = f"Neighbours' noise correlates by {noise.x[0]:+.2f} along X and {noise.y[0]:+.2f} along Y"
    return Check(WHITE, "good", f"{told}: near enough to none.".replace("-", "−"), figures)


def _highest(values: Floats) -> float:
    return float(np.nanmax(values)) if np.isfinite(values).any() else 0.0


def _beyond_structure(noise: Correlation) -> tuple[str, float]:
    """The axis along which direct neighbours correlate most, and by how much more than fine structure may."""
    x, y = float(noise.x[0]), float(noise.y[0])
    both = min(x, y)
    common = both if 0 < both < _ALIKE else 0.0
    return max((("X", x - common), ("Y", y - common)), key=lambda each: abs(each[1]))


def _told_correlated(axis: str, value: float, verdict: Verdict, hidden: int) -> str:
    measure = f"{value:+.2f} along {axis}".replace("-", "−")
    if hidden:
        return (
            f"The noise is correlated, {measure} from one pixel to the next; neighbours along {axis} were hidden with "
            "each pixel. Look whether any of it stayed in as fine texture."
        )
    if verdict == "bad":
        return (
            f"The noise is correlated: {measure} from one pixel to the next. It is taken for signal and stays in. "
            f"Train with --mask {axis.lower()}1, which hides neighbours too, or use the file from before resampling."
        )
    return f"The noise is slightly correlated, {measure}: some of it stays in as fine texture. Look for it."
