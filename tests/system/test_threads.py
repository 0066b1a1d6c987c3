"""Threads are chosen before PyTorch is loaded, and the user's own choice counts."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from muguet.system.threads import choose_threads


def test_waiting_threads_sleep_unless_the_user_chose_otherwise(monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    choose_threads()
    assert (os.environ["OMP_WAIT_POLICY"], os.environ["OMP_NUM_THREADS"]) == ("PASSIVE", "1")
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    choose_threads(1)
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"


def test_the_command_line_loads_pytorch_only_after_its_options_are_known():
    code = "import sys, muguet.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_the_number_of_threads_is_that_of_the_option():
    code = (
        "import sys; from muguet.system.threads import choose_threads; choose_threads(1); import torch\n"
        "sys.exit(torch.get_num_threads() - 1)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
