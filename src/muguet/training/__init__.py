"""Training: training sets, sessions, the steps of a session, and `fit` and `denoise`, which do all of it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
