"""The denoiser: a trained method in camera counts, with its estimates, their errors, its noise laws and its file."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
