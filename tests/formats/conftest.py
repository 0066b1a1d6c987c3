"""The folder of small real files in the formats of microscope makers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def files() -> Path:
    """The folder of real files: $MUGUET_FILES, or the one beside the repository."""
    folder = Path(os.environ.get("MUGUET_FILES") or Path(__file__).parents[3] / "shared" / "files")
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: set MUGUET_FILES to the folder of files of many formats")
    return folder
