"""Only what was opened can be read: no path, link or name leads elsewhere."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from muguet import MuguetError
from muguet.app.access import Access
from muguet.app.turns import Turns


@pytest.fixture
def access(folder):
    return Access([folder])


def test_files_in_the_folder_are_found_by_any_spelling_of_their_path(access, folder, monkeypatch):
    wanted = folder / "cells.tif"
    assert access.find(str(wanted)) == wanted
    assert access.find(f" {folder}/../{folder.name}/cells.tif ") == wanted
    monkeypatch.chdir(folder)
    assert access.find("cells.tif") == wanted
    assert access.proposals() == [str(wanted)]


@pytest.mark.parametrize(
    "text",
    [
        "{folder}/../secret/secret.tif",
        "{folder}/link.tif",
        "{folder}/linked/secret.tif",
        "{folder}2/secret.tif",
        "/etc/passwd",
        "/etc/no such file",
        "https://example.org/image.zarr",
        "s3://bucket/image.zarr",
        "~/image.tif",
        "..",
        "",
        "a\0b",
        "x" * 5000,
    ],
)
def test_no_path_leads_elsewhere(access, folder, text):
    secret = folder.parent / "secret"
    (folder / "link.tif").symlink_to(secret / "secret.tif")
    (folder / "linked").symlink_to(secret)
    Path(f"{folder}2").mkdir()
    (Path(f"{folder}2") / "secret.tif").write_bytes((secret / "secret.tif").read_bytes())
    with pytest.raises(
        MuguetError, match=r"none of the files and folders|no file is named|no path of a file"
    ):
        access.find(text.format(folder=folder))


def test_a_single_file_opens_nothing_beside_it(folder):
    (folder / "other.tif").write_bytes(b"")
    access = Access([folder / "cells.tif"])
    assert access.find(str(folder / "cells.tif"))
    with pytest.raises(MuguetError, match="none of the files"):
        access.find(str(folder / "other.tif"))
    with pytest.raises(MuguetError, match="does not exist"):
        Access([folder / "missing.tif"])


def test_files_read_with_an_image_must_be_beside_it_or_allowed(access, folder):
    elsewhere = folder.parent / "secret" / "secret.tif"
    access.require([folder / "cells.tif"], Path("/nowhere"))
    access.require([elsewhere], elsewhere.parent)
    with pytest.raises(MuguetError, match="names another file"):
        access.require([elsewhere], Path("/nowhere"))


def test_every_work_gets_its_turn_and_an_error_ends_one_alone():
    seen, failed = [], []

    def steps(name, number):
        for n in range(number):
            seen.append((name, n))
            yield

    def broken():
        yield
        raise MuguetError("it broke")

    turns = Turns()
    turns.add(steps("long", 400), failed.append)
    turns.add(broken(), failed.append)
    cancelled = turns.add(steps("cancelled", 10**9), failed.append)
    turns.add(steps("short", 3), failed.append)
    while ("short", 2) not in seen or not failed:
        time.sleep(0.01)
    cancelled.cancelled = True
    while ("long", 399) not in seen:
        time.sleep(0.01)
    turns.end()
    assert [str(error) for error in failed] == ["it broke"]
    assert seen.index(("short", 2)) < seen.index(("long", 399))
