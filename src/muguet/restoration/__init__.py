"""X: how a signal is estimated from what was recorded."""
