"""What a user is told when something cannot be done: one sentence, and no traceback."""

from __future__ import annotations


class MuguetError(ValueError):
    """A mistake that the user can mend: the message says what is wrong, where, and what to do."""
