"""Images larger than memory: results written block by block, in several runs, in parts, or on many machines."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
