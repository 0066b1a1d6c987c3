"""Denoise microscope images from noisy images alone, and learn the law of their noise.

>>> import muguet
>>> clean = muguet.denoise(image)                        # doctest: +SKIP
>>> model = muguet.fit(images, components=3, minutes=5)  # doctest: +SKIP
>>> model.noise.std(signal)                              # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from muguet.version import __version__

__all__ = ["Denoiser", "MuguetError", "__version__", "denoise", "fit", "load", "training"]

if TYPE_CHECKING:
    from muguet import training
    from muguet.denoiser import Denoiser, load
    from muguet.errors import MuguetError
    from muguet.training import denoise, fit

_HOMES = {
    "Denoiser": "muguet.denoiser",
    "MuguetError": "muguet.errors",
    "denoise": "muguet.training",
    "fit": "muguet.training",
    "load": "muguet.denoiser",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import muguet` does not wait for PyTorch."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in ("training", "recipes", "noise", "image", "restoration", "quality"):
        return import_module(f"muguet.{name}")
    raise AttributeError(f"module 'muguet' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
