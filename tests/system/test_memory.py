"""What a step frees is there for the next one."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

STEPS = """
import resource, torch
from muguet.system.memory import keep_freed_memory
keep_freed_memory()
for _ in range(2):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        held = [torch.ones(4_000_000) for _ in range(3)]  # 16 MB each
        del held
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library is not glibc")
def test_pages_are_asked_for_once():
    faults = subprocess.run([sys.executable, "-c", STEPS], capture_output=True, text=True, check=True).stdout
    assert int(faults) < 4000  # of 20 × 12,000


def test_other_libraries_are_left_alone(monkeypatch):
    from muguet.system import keep_freed_memory

    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    keep_freed_memory.__wrapped__()
