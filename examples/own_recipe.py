"""A noise law and a recipe of your own, from public names only.

    muguet denoise cells.tif --recipe own_recipe:recipe       (from the folder of this file)

or in Python: muguet.fit(image, recipe="own_recipe:recipe"). The model file keeps the recipe's name, so
loading the model needs this module on Python's path. A package can also name its recipe as an entry point of the group
"muguet.recipes".
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from muguet.noise import Law, Mixture
from muguet.recipes import Recipe


class TwoNumberCamera(Law):
    """A Gaussian law whose variance is a line, σ²(x) = s + r · max(x − x₀, 0), with s, r and x₀ learned.

    A camera has read noise s and shot noise r times the light. Beside N-net, which has about 1,300 weights, it is for
    images with too few pixels for more than three.

    Parameters
    ----------
    std
        Standard deviation at which learning starts, in the signal's units.
    """

    def __init__(self, std: float) -> None:
        super().__init__()
        self.start = std**2
        self.logs = nn.Parameter(torch.tensor([-0.7, -0.7]))  # of s and r over the start
        self.dark = nn.Parameter(torch.tensor(-1.0))

    def forward(self, signal: Tensor) -> Mixture:
        """Return a mixture of one component ``(*signal.shape, 1)``."""
        read, shot = self.start * self.logs.exp()
        variance = read + shot * F.softplus(signal - self.dark)  # a maximum with a slope everywhere
        mean = signal.unsqueeze(-1)
        return Mixture(torch.zeros_like(mean), mean, variance.sqrt().unsqueeze(-1))


recipe = Recipe(
    name="own_recipe:recipe",
    about="D-net with a noise law of three numbers: read noise, shot noise and the dark level.",
    law=lambda components, std: TwoNumberCamera(std),
    gated=True,
    quasi=True,
)
