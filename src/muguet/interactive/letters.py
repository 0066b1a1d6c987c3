"""Which axes of a layer are time and depth: by their labels, by their units, or else by their order."""

from __future__ import annotations

from collections.abc import Sequence

_LABELS = {
    "T": ("t", "time", "times", "frame", "frames"),
    "Z": ("z", "depth", "plane", "planes", "slice", "slices"),
}
_TIMES = ("second", "minute", "hour", "day")
_LENGTHS = ("meter", "micron", "angstrom", "inch")


def letters_of(labels: Sequence[str], units: Sequence[str]) -> tuple[str, bool] | None:
    """Return T or Z for each axis, and whether that of a single axis is a guess; None if they are too many.

    An axis without a label or a unit has the letter that is left. A single one is taken for time.

    Parameters
    ----------
    labels, units
        The label and the unit of each axis; empty where there is none.
    """
    if len(labels) > len(_LABELS):
        return None
    found = [_named(label) or _measured(unit) for label, unit in zip(labels, units, strict=True)]
    left = [letter for letter in _LABELS if letter not in found]
    guessed = len(found) == 1 and not found[0]
    letters = "".join(letter or left.pop(0) for letter in found)
    return (letters, guessed) if len(set(letters)) == len(letters) else None


def _named(label: str) -> str:
    """Return the letter of a label; empty if it means neither time nor depth."""
    return next((letter for letter, names in _LABELS.items() if label.strip().lower() in names), "")


def _measured(unit: str) -> str:
    """Return the letter of a unit of time or of length; empty if it is neither."""
    if unit.endswith(_TIMES):
        return "T"
    return "Z" if unit.endswith(_LENGTHS) else ""
