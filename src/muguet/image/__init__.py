"""Y: recorded images, their named axes, their pixel values and the planes that a network works on."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
