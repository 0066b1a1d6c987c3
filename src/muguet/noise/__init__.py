"""Laws of the noise ε: modules that map a signal to the distribution of the recorded value."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
