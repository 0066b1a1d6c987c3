"""Did denoising work? Checks of a denoised image without a clean one, and scores against a clean one."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
