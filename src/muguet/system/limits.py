"""The limits of numbers that users choose, so that a wrong one is a sentence before the work."""

from __future__ import annotations

from muguet.errors import MuguetError

MAX_SEED = 2**63 - 1
"""The largest seed that both NumPy and PyTorch take."""

MAX_MINUTES = 60.0 * 24 * 366
"""A training may take a year."""

MAX_STEPS = 10**9
"""The largest number of training steps."""

MAX_BATCH = 4096
"""The largest number of patches in a training step."""


def require_between(name: str, value: float, low: float, high: float) -> None:
    """Raise an error if a number is not between two limits, or is NaN.

    Raises
    ------
    MuguetError
        If it is not; the message calls the number `name`.
    """
    if not low <= value <= high:
        lowest, highest = (f"{limit:g}" if isinstance(limit, float) else limit for limit in (low, high))
        raise MuguetError(f"{name} is {value}: give a number from {lowest} to {highest}")


def check_run(minutes: float, steps: int | None, seed: int) -> None:
    """Raise an error if the length or the seed of a training is impossible.

    Raises
    ------
    MuguetError
        If one of them is.
    """
    if steps is not None:
        require_between("--steps", steps, 0, MAX_STEPS)
    require_between("--minutes", minutes, 0, MAX_MINUTES)
    require_between("--seed", seed, 0, MAX_SEED)
