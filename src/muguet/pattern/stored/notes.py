"""What was found in an image larger than memory, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from muguet.image.screen import count_defects
from muguet.pattern.found import Found
from muguet.pattern.stored.correction import StoredCorrection

_MAX_ALL = 9  # In a series of at most so many planes, every search uses them all.


def sentences_of(patterns: Sequence[Found]) -> list[str]:
    """Return a sentence for each pattern that was found in each channel."""
    return [
        f"Channel {c}: {sentence}" if len(patterns) > 1 else sentence
        for c, each in enumerate(patterns)
        for sentence in each.sentences()
    ]


def notes_of(stored: StoredCorrection) -> list[str]:
    """Return sentences for the user: patterns, defective pixels, and pixels that are no measurements."""
    found = sentences_of(stored.patterns)
    for c, each in enumerate(stored.removals):
        if each.defects is not None:
            channel = f"Channel {c}: " if len(stored.removals) > 1 else ""
            found.append(channel + count_defects(each.defects))
    if stored.missing_found:
        found.append(
            "Some planes have padding, or single pixels far outside the range of all others: these are searched in "
            "every plane, not used, and kept as they are."
        )
    if found and stored.layout.planes > _MAX_ALL:
        found.append(
            f"This was measured on some of the {stored.layout.planes} planes, spread over the image."
        )
    return found
