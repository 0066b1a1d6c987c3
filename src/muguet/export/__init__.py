"""A trained denoiser as a package for other programs: the BioImage Model Zoo."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
