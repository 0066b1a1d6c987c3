"""Y: what a microscope records, from the file to the planes that a network sees and back."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
