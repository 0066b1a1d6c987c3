"""ε: laws of the noise, each a module that maps a signal to the distribution of what is recorded."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
