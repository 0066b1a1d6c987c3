"""Laws of folders that several processes fill: work goes on, other work is refused, the last one completes."""

from __future__ import annotations

import pytest

from muguet import MuguetError
from muguet.system.unfinished import unfinished, unfinished_of

WORK = {"model": "a", "axes": None}


def create(folder):
    (folder / "zarr.json").write_text("{}")


def done(folder):
    return lambda: (folder / "pixels").exists()


def test_work_goes_on_until_it_is_complete(tmp_path):
    target = tmp_path / "a.zarr"
    with unfinished(target, WORK, create, may_discard=False) as held:
        assert not held.was_there
        assert not held.finish(done(held.folder))
    assert not target.exists()
    with unfinished(target, WORK, create, may_discard=False) as held:
        assert held.was_there
        (held.folder / "pixels").write_text("")
        assert held.finish(done(held.folder))
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["a.zarr", "pixels", "zarr.json"]


def test_the_last_of_several_completes(tmp_path):
    target = tmp_path / "a.zarr"
    with unfinished(target, WORK, create, may_discard=False) as one:
        (one.folder / "pixels").write_text("")
        with unfinished(target, WORK, create, may_discard=False) as other:
            assert not one.finish(done(one.folder))
            assert other.finish(done(other.folder))
    assert (target / "pixels").exists()


def test_other_work_is_refused_or_replaced_but_never_while_it_is_in_use(tmp_path):
    target, other = tmp_path / "a.zarr", {**WORK, "model": "b"}
    with unfinished(target, WORK, create, may_discard=True) as held:
        (held.folder / "pixels").write_text("")
        with (
            pytest.raises(
                MuguetError, match="is being filled by another command with another choice of model"
            ),
            unfinished(target, other, create, may_discard=True),
        ):
            pass
    with (
        pytest.raises(MuguetError, match="was left by another command"),
        unfinished(target, other, create, may_discard=False),
    ):
        pass
    with unfinished(target, other, create, may_discard=True) as held:
        assert not (held.folder / "pixels").exists()


def test_a_folder_of_others_is_not_touched(tmp_path):
    folder = unfinished_of(tmp_path / "a.zarr")
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    with (
        pytest.raises(MuguetError, match="is not an unfinished result"),
        unfinished(tmp_path / "a.zarr", WORK, create, may_discard=True),
    ):
        pass
    assert (folder / "mine.txt").read_text() == "mine"


def test_an_existing_store_is_replaced_and_another_folder_is_not(tmp_path):
    target = tmp_path / "a.zarr"
    target.mkdir()
    create(target)
    (target / "old").write_text("")
    with unfinished(target, WORK, create, may_discard=False) as held:
        assert held.finish(lambda: True)
    assert not (target / "old").exists()
    (tmp_path / "b.zarr").mkdir()
    with (
        unfinished(tmp_path / "b.zarr", WORK, create, may_discard=False) as held,
        pytest.raises(MuguetError, match="only a Zarr store may be replaced"),
    ):
        held.finish(lambda: True)
