"""Threads of the numerical libraries: how many they use, and that they sleep while they wait for each other."""

from __future__ import annotations

import os
import sys

_NUMBERS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_WAITING = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
"""Threads that wait sleep at once. By default they spin for a while, which takes the cores from other programs: on a
loaded machine, 12 steps on two threads took 35 s with spinning threads and 6 s with sleeping ones."""


def choose_threads(number: int | None = None) -> None:
    """Set how PyTorch and NumPy use threads; this must be called before they are loaded.

    What the user has set in the environment stays as it is, except that `number` overrides a number of threads.

    Parameters
    ----------
    number
        Number of threads; None: that of the environment, or of the cores.
    """
    for name, value in _WAITING.items():
        os.environ.setdefault(name, value)
    if number is None:
        return
    os.environ.update(dict.fromkeys(_NUMBERS, str(number)))
    torch = sys.modules.get("torch")
    if torch is not None:  # It was loaded by a program that calls the command line.
        torch.set_num_threads(number)
