"""Two commands with one output: the second finds out, unless the first has ended, in whatever way."""

from __future__ import annotations

import subprocess
import sys

import pytest

from muguet import MuguetError
from muguet.system.claims import Claims
from muguet.system.leftovers import remove_leftovers


def test_an_output_is_claimed_once(tmp_path):
    one, other = Claims(), Claims()
    one.take([tmp_path / "a", tmp_path / "b"])
    with pytest.raises(MuguetError, match="another muguet command"):
        other.take([tmp_path / "b"])
    other.take([tmp_path / "c"])
    (tmp_path / "link").symlink_to(tmp_path / "a")
    with pytest.raises(MuguetError, match="another muguet command"):
        other.take([tmp_path / "link"])
    one.release()
    other.take([tmp_path / "b"])
    other.release()
    assert [file.name for file in tmp_path.iterdir()] == ["link"]


def test_a_command_that_was_killed_leaves_no_claim(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from muguet.system.claims import Claims\n"
        "Claims().take([Path(sys.argv[1])]); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "a"], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    claims = Claims()
    claims.take([tmp_path / "a"])
    remove_leftovers(tmp_path)
    assert len(list(tmp_path.iterdir())) == 1  # Its own.
    claims.release()
    assert list(tmp_path.iterdir()) == []
