from .correction import Corrected, Correction
from .found import Found, LineNoise
from .halves import Halves, find_halves, gain_by_noise
from .maps import Maps
from .noisy_pixels import NoisyPixels, find_noisy_pixels
from .rows import Lines, find_lines
from .second import second_estimate
from .shift import Shift, find_shift
from .standing import Standing, find_standing
from .stored.correction import StoredCorrection
from .stored.search import search

__all__ = [
    "Corrected",
    "Correction",
    "Found",
    "Halves",
    "LineNoise",
    "Lines",
    "Maps",
    "NoisyPixels",
    "Shift",
    "Standing",
    "StoredCorrection",
    "find_halves",
    "find_lines",
    "find_noisy_pixels",
    "find_shift",
    "find_standing",
    "gain_by_noise",
    "search",
    "second_estimate",
]
