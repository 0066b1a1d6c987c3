"""`check_output` finds outputs that cannot be written before any computation."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
import tifffile

from muguet import MuguetError
from muguet.formats import check_output


def test_a_folder_that_is_not_writable(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(MuguetError, match="part of its path is a file"):
        check_output(tmp_path / "file" / "a.tif")

    def refuse(path, **options):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(MuguetError, match="takes no files"):
        check_output(tmp_path / "a.tif")
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("name", ["a.png", "a", "folder.tif"])
def test_a_name_that_cannot_be_an_output(tmp_path, name):
    (tmp_path / "folder.tif").mkdir()
    with pytest.raises(MuguetError, match=name):
        check_output(tmp_path / name)


def test_a_check_leaves_nothing_but_the_folder(tmp_path):
    check_output(tmp_path / "new" / "a.tif")
    assert list((tmp_path / "new").iterdir()) == []
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 4), np.uint8))
    before = (tmp_path / "a.tif").read_bytes()
    with pytest.raises(MuguetError, match="overwrite=True"):
        check_output(tmp_path / "a.tif")
    check_output(tmp_path / "a.tif", overwrite=True)
    assert (tmp_path / "a.tif").read_bytes() == before
