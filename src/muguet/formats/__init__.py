"""Files: how TIFF dialects and other formats say what an image is, read and written faithfully."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
