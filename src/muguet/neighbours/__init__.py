"""Frames of movies and planes of stacks that help to estimate each other: which do, and the estimates from several."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
