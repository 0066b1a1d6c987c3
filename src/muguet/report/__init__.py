"""One HTML page on a denoised image, which needs nothing but itself."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
