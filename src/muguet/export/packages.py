"""The packages that the export needs, which are checked before anything that takes seconds."""

from __future__ import annotations

from muguet.system.extras import check_installed

_PACKAGES = ("bioimageio.spec", "loguru", "onnx", "onnxscript")  # PyTorch needs the last two.


def check_packages() -> None:
    """Check that everything that the export needs is installed; nothing is imported.

    Raises
    ------
    MuguetError
        If a package is not installed.
    """
    check_installed("export", _PACKAGES, "muguet export")
