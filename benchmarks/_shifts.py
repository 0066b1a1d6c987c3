"""Odd rows that are shifted against even ones: how exactly the shift is found, and what ways to undo it are worth."""

from __future__ import annotations

from itertools import product

import numpy as np

import muguet
from muguet import MuguetError
from muguet.pattern import Shift, find_shift

Floats = np.ndarray
GAIN, OFFSET, READ = 2.0, 100.0, 1.5
_ENDS = 16  # Columns at both ends that are not compared, as nothing was recorded there.


def found(scenes: list[Floats]) -> list[dict[str, object]]:
    """Shifts that are found in each of some scenes; photo-electrons are those of the brightest pixel."""
    rows = []
    for brightest, pixels in product((3, 10, 30, 100), (0.0, 0.1, 0.2, 0.3, 0.5, 1.0, 2.4, 7.0, 14.0)):
        each = [
            find_shift([_recorded(_scanned(_lit(c, brightest), pixels), i)]) for i, c in enumerate(scenes)
        ]
        some = [shift for shift in each if shift is not None]
        rows.append(
            {
                "brightest": brightest,
                "shift": pixels,
                "found": len(some),
                "of": len(scenes),
                "largest error": max((abs(shift.pixels - pixels) for shift in some), default=None),
                "standard error": float(np.mean([shift.error for shift in some])) if some else None,
            }
        )
    return rows


def worth(scenes: list[Floats]) -> list[dict[str, object]]:
    """PSNR before training, in dB, if the shift is left, or undone in several ways."""
    rows = []
    for brightest, pixels in product((10, 100), (0.3, 0.5, 1.0, 2.4)):
        scores: dict[str, list[float]] = {}
        for seed, scene in enumerate(scenes):
            truth = _lit(scene, brightest)
            noisy = _recorded(_scanned(truth, pixels), seed)
            whole = Shift(round(pixels), 0.0).back(noisy)
            rest = pixels - round(pixels)
            ways = {
                "no shift": _recorded(truth, seed),
                "left": noisy,
                "whole pixels": whole,
                "linear": _linear(noisy, pixels),
                "Fourier": Shift(pixels, 0.0).back(noisy),
            }
            for way, plane in ways.items():
                result = _denoised(plane)
                scores.setdefault(way, []).append(_decibels(result, truth))
                if way == "whole pixels" and rest and result is not None:
                    after = Shift(rest, 0.0).back(result.astype(np.float64))
                    scores.setdefault("whole pixels, result by Fourier", []).append(_decibels(after, truth))
        means = {way: float(np.mean(values)) for way, values in scores.items()}
        rows.append({"brightest": brightest, "shift": pixels, **means})
    return rows


def _lit(scene: Floats, brightest: float) -> Floats:
    return scene / scene.max() * brightest


def _scanned(scene: Floats, pixels: float) -> Floats:
    """A clean scene whose odd rows are displaced by `pixels` to the right."""
    return np.maximum(Shift(-pixels, 0.0).back(scene), 0.0) if pixels else scene


def _recorded(electrons: Floats, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    return np.rint(GAIN * (rng.poisson(electrons) + rng.normal(0, READ, electrons.shape)) + OFFSET).clip(0)


def _linear(plane: Floats, pixels: float) -> Floats:
    moved = plane.copy()
    at = np.arange(plane.shape[1])
    moved[1::2] = [np.interp(at + pixels, at, row) for row in plane[1::2]]
    return moved


def _denoised(plane: Floats) -> Floats | None:
    """The first result, or None if the noise is taken for correlated and there is none."""
    try:
        return muguet.denoise(plane.astype(np.float32), "YX", minutes=0, lines="keep")
    except MuguetError:
        return None


def _decibels(result: Floats | None, electrons: Floats) -> float:
    if result is None:
        return float("nan")
    truth = (GAIN * electrons + OFFSET)[:, _ENDS:-_ENDS]
    return float(20 * np.log10(np.ptp(truth) / np.sqrt(((result[:, _ENDS:-_ENDS] - truth) ** 2).mean())))
