"""A file is written whole or not at all."""

from __future__ import annotations

import pytest

from muguet import MuguetError
from muguet.system.atomic import check_writable, replacing


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


def write(path, content=b"new", kind=None):
    with replacing(path, kind) as file:
        file.write(content)


def test_a_link_and_the_permissions_of_what_is_replaced_are_kept(tmp_path):
    (tmp_path / "store").mkdir()
    real, link = tmp_path / "store" / "real.tif", tmp_path / "link.tif"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to(real)
    write(link)
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert real.stat().st_mode & 0o777 == 0o640


def test_a_file_is_replaced_only_by_one_of_its_kind(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(b"II*\0 and more")
    with pytest.raises(MuguetError, match="is a TIFF image, and only a muguet model"):
        write(path, kind="model")
    with pytest.raises(MuguetError, match="is a TIFF image"):
        check_writable(path, True, "model")
    assert path.read_bytes() == b"II*\0 and more"
    write(path, b"II*\0 other", kind="image")
    (tmp_path / "notes.csv").write_text("1,2")
    with pytest.raises(MuguetError, match="another program"):
        check_writable(tmp_path / "notes.csv", True, "image")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.tif", "notes.csv"]


def test_leftovers_of_killed_runs_are_removed_and_files_in_use_are_kept(tmp_path):
    killed = [tmp_path / ".muguet-0123abcd.part", tmp_path / ".a.tif.0123abcd.part"]
    others = [tmp_path / "data.part", tmp_path / ".0123abcd.part", tmp_path / ".muguet-12.part"]
    for file in (*killed, *others):
        file.write_bytes(b"half")
    with replacing(tmp_path / "first.tif"):
        write(tmp_path / "second.tif")
        check_writable(tmp_path / "third.tif")
        (in_use,) = (file for file in tmp_path.glob(".*.part") if file not in others)
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == sorted([*(file.name for file in others), "first.tif", "second.tif"])
    assert in_use.name.startswith(".muguet-")


def test_a_name_of_300_characters_is_a_sentence(tmp_path):
    path = tmp_path / ("x" * 300)
    with pytest.raises(MuguetError, match="too long"):
        check_writable(path, True, "image")
    with pytest.raises(MuguetError, match="too long"):
        write(path)
    write(tmp_path / ("é" * 125))  # 250 bytes: the temporary name must not be longer.
