"""A check of a denoised image: a verdict, and the one line that gives its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from muguet.system.text import json_safe

Floats = npt.NDArray[np.float64]
Verdict = Literal["good", "doubtful", "bad"]

VERDICTS: tuple[Verdict, ...] = ("good", "doubtful", "bad")
"""From the best to the worst."""


@dataclass(frozen=True)
class Check:
    """One question asked of an image, and its answer.

    Attributes
    ----------
    name
        A short title, such as "Noise is white".
    verdict
        good; doubtful, where a person should look; or bad.
    told
        One line: what was found with its figure, and what to do where it is not good.
    figures
        The numbers behind it; NaN where one could not be measured.
    """

    name: str
    verdict: Verdict
    told: str
    figures: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """For JSON: numbers are finite or None."""
        figures = json_safe(self.figures)
        return {"name": self.name, "verdict": self.verdict, "told": self.told, "figures": figures}


def worst(*verdicts: Verdict) -> Verdict:
    """The worst of verdicts; good where there is none."""
    return max(verdicts, key=VERDICTS.index, default="good")
