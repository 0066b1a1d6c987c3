"""Denoise microscope images from noisy images alone, and learn the law of their noise.

>>> import muguet
>>> clean = muguet.denoise(image)                        # doctest: +SKIP
>>> model = muguet.fit(images, components=3, minutes=5)  # doctest: +SKIP
>>> model.noise.std(signal)                              # doctest: +SKIP

Every name is imported when it is first used, so that `import muguet` does not wait for PyTorch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
