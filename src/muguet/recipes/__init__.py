"""Recipes: every published method as parts with a name, and how to add your own."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
