"""The error whose message is shown to users as one sentence, without a traceback."""

from __future__ import annotations


class MuguetError(ValueError):
    """An error that the user can correct: the message states what is wrong, where, and what to do."""
