"""Noise that neighbouring pixels share: its kernel, the measurement of it, its removal, and a law that draws it."""
