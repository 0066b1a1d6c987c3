"""The face of the package: few names, and an import that does not wait for PyTorch."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files

import pytest

import muguet


def test_public_names_are_there():
    for name in muguet.__all__:
        assert getattr(muguet, name) is not None
    assert set(dir(muguet)) == set(muguet.__all__)
    assert {"denoise", "fit", "load", "Denoiser", "MuguetError"} <= set(muguet.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonsense"):
        _ = muguet.nonsense


def test_importing_does_not_import_torch():
    code = (
        "import sys, muguet; assert 'torch' not in sys.modules; assert 'numpy' not in sys.modules; muguet.fit"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_errors_are_value_errors():
    assert issubclass(muguet.MuguetError, ValueError)


def test_types_are_published():
    assert (files("muguet") / "py.typed").is_file()
