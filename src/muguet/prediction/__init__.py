"""Application of a function to images of any size: tiles, symmetries, and the loop over the regions of an image."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
