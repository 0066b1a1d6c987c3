"""A learned law without what the estimate's own error added to it."""

from __future__ import annotations

import torch
from torch import Tensor

from muguet.noise.law import Law
from muguet.noise.learned import LearnedLaw
from muguet.noise.mixture import Mixture
from muguet.noise.variance import Variance

_LEAST = 0.1  # of a component's variance, that is left to it


class Sharpened(Law):
    """N-net's law, brought to a variance that was measured beside it.

    N-net learns the law of y − x̂, which holds the error of x̂: σ²_N = σ² + E[(x − x̂)² | x̂]. As x̂ has not seen
    its pixel's noise, the two are independent, and an error that is Gaussian adds its variance to that of every
    component and nothing to the third moment. So Δ = σ²_N − σ² is taken from each component again (leaving
    a tenth of the narrowest), which keeps weights, means and third moment, and what then remains to the
    measured σ² is a stretch about the signal.

    Parameters
    ----------
    learned
        N-net's law.
    variance
        σ²(x), in the same units.
    """

    def __init__(self, learned: LearnedLaw, variance: Variance) -> None:
        super().__init__()
        self.learned = learned
        self.variance = variance

    def forward(self, signal: Tensor) -> Mixture:
        """Mixture of ``(*signal.shape, K)`` components."""
        blurred = self.learned.forward(signal)
        wanted = self.variance(signal).unsqueeze(-1)
        square = blurred.stds.square()
        most = (1 - _LEAST) * square.amin(-1, keepdim=True)
        excess = (blurred.variance.unsqueeze(-1) - wanted).clamp(min=0).minimum(most)
        left = Mixture(blurred.log_weights, blurred.means, (square - excess).sqrt())
        stretch = (wanted / left.variance.unsqueeze(-1)).sqrt()
        centre = signal.unsqueeze(-1)
        return Mixture(
            left.log_weights, centre + stretch * (left.means - centre), torch.mul(stretch, left.stds)
        )
