"""The result of one quality check: a verdict, and a sentence that gives its reason."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from muguet.system.text import json_safe

Floats = npt.NDArray[np.float64]
Verdict = Literal["good", "doubtful", "bad"]

VERDICTS: tuple[Verdict, ...] = ("good", "doubtful", "bad")
"""The verdicts, from the best to the worst."""


@dataclass(frozen=True)
class Check:
    """One question about an image, and its answer.

    Attributes
    ----------
    name
        A short title, such as "The noise is white".
    verdict
        "good", "doubtful" (a person should look at the image), or "bad".
    sentence
        What was found, with the number behind it, and what to do if the verdict is not good. Without line breaks.
    figures
        The measured numbers; NaN for one that could not be measured.
    """

    name: str
    verdict: Verdict
    sentence: str
    figures: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the check as JSON can hold it: numbers are finite or None."""
        # Programs that read `muguet check --json` and reports find the sentence under this key.
        return {
            "name": self.name,
            "verdict": self.verdict,
            "told": self.sentence,
            "figures": json_safe(self.figures),
        }


def worst(*verdicts: Verdict) -> Verdict:
    """Return the worst of the verdicts; "good" if there are none."""
    return max(verdicts, key=VERDICTS.index, default="good")


def verdict_above(value: float, limits: tuple[float, float]) -> Verdict:
    """Return "bad" above the second limit, "doubtful" above the first, else "good"."""
    return "bad" if value > limits[1] else "doubtful" if value > limits[0] else "good"


def finite_or_zero(value: float) -> float:
    """Return 0 for a figure that could not be measured, so that it does not worsen the verdict."""
    return value if math.isfinite(value) else 0.0
