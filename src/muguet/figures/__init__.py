"""Figures of a result and of a noise law, as matplotlib draws them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
