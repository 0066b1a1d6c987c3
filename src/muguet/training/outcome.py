"""Did a run learn enough? The risk of its result beside those of the prior and of a blur, its slope and its length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import numpy as np

from muguet.training.weighing import Risks, Weighed

Verdict = Literal["good", "doubtful", "bad"]

_MIN_VISITS = 10.0
"""Targets per pixel that a network with random weights needs. With 4 to 5, results were 0.4 to 1.2 dB below those of
three times as many steps, on W2S, FMD and simulated images."""

_PLANES_ERROR = 0.02
"""Error of the difference of the risks of volumes and planes, which are measured on different pixels."""

_MAX_SLOPE = 0.01
"""A run is short if its held-out loss fell by more than this in the last 50 steps, in nats per pixel."""

_INTERVAL = 50  # Steps between two evaluations of the held-out loss.


@dataclass(frozen=True)
class Outcome:
    """What a run learned.

    Hidden pixels alone could not decide this: at a few photo-electrons a pixel, the squared error of their predictions
    is nearly all noise. Stein's risk uses every pixel (`muguet.training.weighing`). It would be too low for a network
    that has memorised the noise of its targets, which runs do not last long enough for (`count_useful_steps`).

    Attributes
    ----------
    steps
        Number of steps.
    visits
        Number of times that a pixel was a target, on average.
    slope
        Decrease of the held-out loss in the last 50 steps, in nats per pixel; None if it was not measured twice.
    risks
        The mean over the channels of the squared errors; None if the variance of the noise is not known. An error of
        that variance shifts all of them alike, so that only their differences are accurate.
    trained, prior
        Weights of the trained network and of the prior in the result, the mean over the channels.
    """

    steps: int
    visits: float
    slope: float | None
    risks: Risks | None
    trained: float
    prior: float

    @classmethod
    def of(
        cls, steps: int, visits: float, history: Sequence[Mapping[str, float]], weighed: Sequence[Weighed]
    ) -> Self:
        """Return the outcome from the history of held-out losses, and from what was measured in each channel."""
        slope = None
        if len(history) > 1 and history[-1]["step"] - history[-2]["step"] == _INTERVAL:
            slope = history[-2]["held_out"] - history[-1]["held_out"]
        risks = [each.risks for each in weighed if each.risks is not None]
        blends = [each.blend for each in weighed]
        return cls(
            steps,
            visits,
            slope,
            _mean(risks) if risks else None,
            float(np.mean([blend.trained for blend in blends])) if blends else 1.0,
            float(np.mean([blend.prior for blend in blends])) if blends else 0.0,
        )

    @property
    def verdict(self) -> Verdict:
        """Bad: a blur is better; doubtful: the result is no better than a blur or the noisy image; else good.

        Doubtful is also a run from random weights that needs more steps, or whose result could not be measured.
        """
        risks = self.risks
        if risks is not None:
            if risks.blur < risks.result - 2 * risks.error:
                return "bad"
            if risks.blur <= risks.result + 2 * risks.error or risks.result >= 1:
                return "doubtful"
            if self._is_below_planes:
                return "doubtful"
            if risks.prior is not None:  # It is at least as good as the prior, after any number of steps.
                return "good"
        return "doubtful" if self._short else "good"

    @property
    def sentence(self) -> str:
        """The figures of the verdict, and what to do."""
        return self._beside_blur + self._beside_planes

    @property
    def _is_below_planes(self) -> bool:
        risks = self.risks
        return risks is not None and risks.planes is not None and risks.planes < risks.result - _PLANES_ERROR

    @property
    def _longer(self) -> str:
        """What a run from random weights needs; the prior is for planes."""
        return "Train longer" + (
            ", or start from the prior" if self.risks and self.risks.planes is None else ""
        )

    @property
    def _short(self) -> bool:
        return self.visits < _MIN_VISITS or (self.slope or 0.0) > _MAX_SLOPE

    @property
    def _beside_blur(self) -> str:
        """How the result compares with a blur and the prior."""
        length = f"{self.steps} step{'s' * (self.steps != 1)}, {self.visits:.2g} targets per pixel"
        if self.risks is None:
            text = "The error of the result cannot be measured on these images"
            short = self.steps and self.verdict != "good"
            more = f" The run was short ({length}): train longer." if short else ""
            return f"{text}.{more}"
        risks = self.risks
        blur = f"the best Gaussian blur (standard deviation {risks.sigma:.1f} pixels)"
        gain = risks.blur - risks.result
        by = f"{_percent(abs(gain))} ± {_error(risks.error)} % of the variance of the noise"
        if self.verdict == "bad":
            more = f" The run was too short ({length}): train longer." if self.steps else ""
            return f"A blur is better than this result: the squared error of {blur} is lower by {by}.{more}"
        if risks.result >= 1:
            return (
                "The result is no better than the noisy image: its squared error is as large as the variance of the "
                "noise. The noise is too weak to be removed, or its law does not fit these images."
            )
        if gain <= 2 * risks.error:
            if risks.prior is not None:
                return f"The result is as good as {blur}, and not measurably better."
            return (
                f"The run was too short ({length}) to learn more than {blur}: the result is as good as this blur. "
                f"{self._longer}."
            )
        figures = f"The squared error of the result is lower than that of {blur} by {by}."
        if risks.prior is None and self._short:
            return f"{figures} The run was short ({length}). {self._longer}."
        if self.steps and risks.prior is not None and self.trained <= 0.05:
            why = "was too short to improve" if self.visits < _MIN_VISITS else "did not measurably improve"
            return f"{figures} The run {why} on the shipped network ({length}), which made the result."
        return figures

    @property
    def _beside_planes(self) -> str:
        """How volumes compare with planes, as a sentence; nothing if they were not compared."""
        if self.risks is None or self.risks.planes is None:
            return ""
        gain = self.risks.planes - self.risks.result
        planes = "Planes that are denoised one by one, without any training, have"
        by = f"by about {_percent(abs(gain))} % of that variance"
        if self._is_below_planes:
            return (
                f" {planes} an error that is lower {by}: use two dimensions, in which planes help each other."
            )
        if gain > _PLANES_ERROR:
            return f" {planes} an error that is higher {by}."
        return f" {planes} about the same error."

    def as_dict(self) -> dict[str, Any]:
        """Return the figures, the verdict and the sentence, for JSON."""
        return {**asdict(self), "verdict": self.verdict, "sentence": self.sentence}


def _percent(share: float) -> str:
    """A share in per cent, with two digits or more."""
    return f"{100 * share:.0f}" if share > 0.1 else f"{100 * share:.2g}"


def _error(share: float) -> str:
    """An error in per cent, with one digit or more."""
    return f"{100 * share:.0f}" if share >= 0.01 else f"{100 * share:.1g}"


def _mean(risks: Sequence[Risks]) -> Risks:
    """The mean over the channels."""

    def mean(name: str) -> float | None:
        values = [getattr(each, name) for each in risks]
        return None if any(value is None for value in values) else float(np.mean(values))

    error = float(np.sqrt(np.sum([each.error**2 for each in risks]))) / len(risks)
    names = ("result", "blur", "sigma")
    required = {name: float(np.mean([getattr(each, name) for each in risks])) for name in names}
    return Risks(**required, trained=mean("trained"), prior=mean("prior"), planes=mean("planes"), error=error)
