"""A file is written whole or not at all."""

from __future__ import annotations

import pytest

from muguet import MuguetError
from muguet.system.atomic import replacing


@pytest.mark.parametrize("error", [ValueError("odd"), RuntimeError("odd"), KeyError("odd"), MemoryError()])
def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, error):
    path = tmp_path / "a.tif"
    path.write_bytes(b"old")

    def write_half():
        with replacing(path) as file:
            file.write(b"half")
            raise error

    with pytest.raises(MuguetError, match=r"a\.tif was not written, .*(odd|memory)") as caught:
        write_half()
    assert "\n" not in str(caught.value)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a.tif", b"old")]
    with replacing(path) as file:
        file.write(b"new")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a.tif", b"new")]


# --- What ---------------------------------------------------------------------------------------------------
