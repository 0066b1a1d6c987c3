"""Noise that lines or pixels share: offsets of rows, columns and halves, standing patterns, noisy pixels, maps."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
