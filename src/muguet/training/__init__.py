"""Training: from images to a session, the steps that it takes, and the two functions that most people need."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
