"""napari is imported once without its warnings, which are not ours, where it is installed."""

from __future__ import annotations

import contextlib
import os
import warnings

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

with warnings.catch_warnings(), contextlib.suppress(ImportError):
    warnings.simplefilter("ignore")
    import napari.components
    import napari.qt.threading  # noqa: F401
