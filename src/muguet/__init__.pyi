from . import (
    blockwise,
    export,
    figures,
    formats,
    image,
    noise,
    pattern,
    prediction,
    quality,
    recipes,
    report,
    restoration,
    samples,
    training,
)
from .blockwise import denoise_blocks
from .denoiser import Denoiser
from .errors import MuguetError
from .method import Method
from .model_file import load
from .training import denoise, fit
from .version import __version__

__all__ = [
    "Denoiser",
    "Method",
    "MuguetError",
    "__version__",
    "blockwise",
    "denoise",
    "denoise_blocks",
    "export",
    "figures",
    "fit",
    "formats",
    "image",
    "load",
    "noise",
    "pattern",
    "prediction",
    "quality",
    "recipes",
    "report",
    "restoration",
    "samples",
    "training",
]
