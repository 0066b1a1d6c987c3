"""A region of any size through a function: tiles, symmetries, and the loop over the planes of an image."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
