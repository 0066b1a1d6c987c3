"""Recipes: published denoising methods by name, and the class with which others are added."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
