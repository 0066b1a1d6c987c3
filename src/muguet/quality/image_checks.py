"""Checks of a noisy plane alone: is the file as the camera recorded it, and is its noise white?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from muguet.errors import MuguetError
from muguet.image.mosaic import describe, pattern
from muguet.image.screen import screened_plane
from muguet.image.valid import unmeasured
from muguet.noise.transfer.correlation import Correlation, noise_correlation
from muguet.noise.transfer.single_image import rough_std
from muguet.quality.check import Check, Floats, Verdict
from muguet.quality.provenance import Provenance, provenance

SOURCE, WHITE = "The file is what was recorded", "The noise is white"

# In a pair of limits, values beyond the first are doubtful and values beyond the second are bad.

_MAX_JPEG_BITS = 0.2
"""`blocking` in bits per coefficient above which JPEG is detected. It is 0.01 at most without JPEG, and above 1.5
after JPEG of quality 95."""

_SATURATED_LIMITS = (0.01, 0.1)
"""Limits of the fraction of saturated pixels."""

_MAX_MISSING_LEVELS = 0.05
"""Limit of the fraction of missing grey levels: a few levels of an 8-bit image can be missing by chance."""

_MAX_STEP_OVER_NOISE = 1.0
"""Limit of the spacing of the values in standard deviations of the noise: coarser steps hide the noise."""

_NOISE_CORRELATION_LIMITS = (0.12, 0.25)
"""Limits of the correlation between adjacent pixels of the noisy image. The detector of FMD has 0.06, which does no
harm."""

_RESIDUAL_CORRELATION_LIMITS = (0.1, 0.15)
"""Limits of the correlation in the residual. It is negative for a good estimate."""

_MAX_COMMON_CORRELATION = 0.3
"""A positive correlation that X and Y share can come from fine structure of the image up to this value."""


def check_source(plane: npt.NDArray[np.generic]) -> Check:
    """Search for traces of JPEG, a contrast stretch, clipping and coarse steps; see `muguet.quality.provenance`."""
    found = provenance(_measured(plane))
    if found is None:
        return Check(SOURCE, "doubtful", "No pixel has a finite value, so nothing could be checked.", {})
    noise = rough_std(_finite(plane)) if min(plane.shape) >= 3 else 0.0
    figures = {
        "levels": float(found.levels),
        "step": found.step,
        "step_over_noise": found.step / noise if noise > 0 else float("nan"),
        "saturated": found.saturated,
        "clipped_low": found.clipped_low,
        "missing_levels": found.missing_levels,
        "jpeg_bits": found.blocking,
    }
    mosaic = pattern(screened_plane(plane)) if plane.ndim == 2 else ""
    if mosaic:
        return Check(SOURCE, "bad", describe(mosaic), figures)
    return Check(SOURCE, *_judge_source(found, figures["step_over_noise"]), figures)


def _measured(plane: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """Return a plane itself, or in float64 with NaN in place of padding, if there is any."""
    (missing,) = unmeasured([plane]) if plane.ndim == 2 and plane.dtype.kind in "uif" else (None,)
    if missing is None or missing.all():
        return plane
    return np.where(missing, np.nan, plane.astype(np.float64))


def _finite(plane: npt.NDArray[np.generic]) -> Floats:
    """Replace infinite values, and those whose squares overflow, by NaN."""
    values = plane.astype(np.float64)
    return np.where(np.abs(values) < 1e100, values, np.nan)


def _judge_source(found: Provenance, step_over_noise: float) -> tuple[Verdict, str]:
    """Return the verdict and the sentence for the first trace that is present; the most harmful is tested first."""
    if found.blocking > _MAX_JPEG_BITS:
        return "bad", (
            f"JPEG compression detected: on a grid of 8×8 pixels the image has {found.blocking:.1f} bits less per "
            "coefficient. JPEG rounds the noise away and leaves block edges: use the file from before compression."
        )
    if found.fills_range:
        return "bad", (
            f"The contrast was stretched: the values range from exactly 0 to exactly {found.high:.0f}, so dark and "
            "bright pixels are clipped and intensities of different images cannot be compared. Use the raw file."
        )
    if found.saturated > _SATURATED_LIMITS[1]:
        return "bad", (
            f"Saturated: {100 * found.saturated:.1f} % of the pixels are at the maximum of {found.high:g}. Their true "
            "intensity is lost: reduce the exposure, or do not measure in these regions."
        )
    if found.saturated > _SATURATED_LIMITS[0]:
        return "doubtful", (
            f"Partly saturated: {100 * found.saturated:.1f} % of the pixels are at the maximum of {found.high:g}. "
            "Their true intensity is higher than the image shows."
        )
    if found.clipped_low > _SATURATED_LIMITS[0]:
        return "bad" if found.clipped_low > _SATURATED_LIMITS[1] else "doubtful", (
            f"Clipped at the dark end: {100 * found.clipped_low:.1f} % of the pixels are at the minimum of "
            f"{found.low:g}. The detector's offset is too low, so dark intensities are lost and their mean is too high."
        )
    if found.missing_levels > _MAX_MISSING_LEVELS:
        return "doubtful", (
            f"Grey levels are missing ({100 * found.missing_levels:.0f} % of those between the 2nd and the 98th "
            "percentile): the contrast was changed after recording with 8 bits. Use the raw file if you have it."
        )
    if step_over_noise > _MAX_STEP_OVER_NOISE:
        return "doubtful", (
            f"Grey levels are coarse: one step is {step_over_noise:.1f} standard deviations of the noise, so rounding "
            "hides the noise. Record with more bits or a larger gain."
        )
    saturated = f"{100 * found.saturated:.2g} % saturated" if found.saturated else "no saturated pixels"
    note = f" The image once had 8 bits: it has {found.levels} distinct values." if found.was_8_bit else ""
    return "good", f"No trace of JPEG, of a contrast stretch or of clipping ({saturated}).{note}"


def check_white(
    plane: Floats, residual: tuple[Floats, Floats, int] | None = None, reach: Sequence[int] = ()
) -> Check:
    """Check that the noise of neighbouring pixels is independent, which self-supervised training assumes.

    The correlation is measured twice. In the noisy image it is measured on details that are too fine to be structure
    (`muguet.noise.transfer.correlation`); an estimate that followed the noise cannot hide it there. In the normalised
    residual (`muguet.quality.whiteness`), a positive correlation at any lag means that correlated noise or image
    structure was removed.

    Parameters
    ----------
    plane
        The noisy plane ``(Y, X)``; NaN where a pixel is missing or saturated.
    residual
        Autocorrelations of the residual along X and along Y, and the number n of its pixels, if there is a residual.
        Correlations below three standard errors 1/√n are ignored.
    reach
        Number of neighbours along Y and X that the mask hid on each side of a pixel, if any.
    """
    try:
        noise = noise_correlation(plane[None])
    except MuguetError as error:
        return Check(WHITE, "doubtful", f"The correlation of the noise could not be measured: {error}.", {})
    figures = {"noise_x": float(noise.x[0]), "noise_y": float(noise.y[0])}
    if residual is not None:
        figures |= {"residual_x": _highest(residual[0]), "residual_y": _highest(residual[1])}
    if noise.lines:
        share = max(noise.rows, noise.columns)
        lined: Verdict = "bad" if share > _NOISE_CORRELATION_LIMITS[1] else "doubtful"
        return Check(
            WHITE, lined, noise.sentence(), {**figures, "rows": noise.rows, "columns": noise.columns}
        )
    axis, value = _beyond_structure(noise)
    if abs(value) > max(_NOISE_CORRELATION_LIMITS[0], 3 * noise.error):
        hidden = int(dict(zip("YX", reach, strict=False)).get(axis, 0))
        verdict: Verdict = "bad" if abs(value) > _NOISE_CORRELATION_LIMITS[1] and not hidden else "doubtful"
        correlation = figures[f"noise_{axis.lower()}"]
        return Check(WHITE, verdict, _correlated_sentence(axis, correlation, verdict, hidden), figures)
    highest = max(figures.get("residual_x", 0.0), figures.get("residual_y", 0.0))
    count = 1 if residual is None else max(residual[2], 1)
    if highest > max(_RESIDUAL_CORRELATION_LIMITS[0], 3 / count**0.5):
        return Check(
            WHITE,
            "bad" if highest > _RESIDUAL_CORRELATION_LIMITS[1] else "doubtful",
            f"The residual (noisy − denoised) is not white: its neighbouring pixels correlate by {highest:+.2f}, but "
            "the noise of the image does not. The residual contains image structure: the estimate is too smooth, or "
            "the model was trained on other images.",
            figures,
        )
    sentence = (
        f"The noise of adjacent pixels correlates by {noise.x[0]:+.2f} along X and {noise.y[0]:+.2f} along Y, "
        "which is negligible."
    )
    return Check(WHITE, "good", sentence.replace("-", "−"), figures)


def _highest(values: Floats) -> float:
    """Return the largest finite value; 0 if there is none."""
    return float(np.nanmax(values)) if np.isfinite(values).any() else 0.0


def _beyond_structure(noise: Correlation) -> tuple[str, float]:
    """Return the axis of the strongest correlation, and the correlation that fine structure cannot explain."""
    x, y = float(noise.x[0]), float(noise.y[0])
    lower = min(x, y)
    common = lower if 0 < lower < _MAX_COMMON_CORRELATION else 0.0
    return max((("X", x - common), ("Y", y - common)), key=lambda each: abs(each[1]))


def _correlated_sentence(axis: str, value: float, verdict: Verdict, hidden: int) -> str:
    """Return the sentence for correlated noise, and what to do about it."""
    correlation = f"{value:+.2f} between adjacent pixels along {axis}".replace("-", "−")
    if hidden:
        return (
            f"The noise is correlated: {correlation}. The mask also hid neighbours along {axis} during training. "
            "Check that no noise remains as fine texture in the denoised image."
        )
    if verdict == "bad":
        return (
            f"The noise is correlated: {correlation}. Denoising mistakes it for signal and leaves it in the image. "
            "muguet denoise measures such noise and removes it; better still is the file from before resampling."
        )
    return (
        f"The noise is slightly correlated: {correlation}. "
        "Some of it may remain as fine texture: check the denoised image."
    )
