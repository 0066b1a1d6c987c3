"""The site is built without a warning."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.docs.pages import DOCS


@pytest.mark.slow
def test_sphinx_builds_the_site_without_a_warning(tmp_path):
    for module in ("sphinx", "furo", "myst_parser", "sphinx_copybutton"):
        pytest.importorskip(module, reason="needs the extra docs")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q"]
    done = subprocess.run([*command, DOCS, tmp_path / "site"], capture_output=True, text=True, timeout=1000)
    assert done.returncode == 0, done.stderr
    for page in ("index", "tutorials/first-image", "reference/commands", "reference/python/noise", "gallery"):
        assert (tmp_path / "site" / f"{page}.html").exists()
