from . import checkpoint
from .data import Dataset, collect
from .denoising import denoise
from .first_law import FirstLaw, measure_first_law
from .fitting import fit, prepare, steps
from .patches import HELD_OUT, MISSING, SATURATED, TARGET, Patches, PatchSource, Plane
from .plan import Plan, Progress
from .planes import Sample
from .session import Session

__all__ = [
    "HELD_OUT",
    "MISSING",
    "SATURATED",
    "TARGET",
    "Dataset",
    "FirstLaw",
    "PatchSource",
    "Patches",
    "Plan",
    "Plane",
    "Progress",
    "Sample",
    "Session",
    "checkpoint",
    "collect",
    "denoise",
    "fit",
    "measure_first_law",
    "prepare",
    "steps",
]
