"""Variance against signal (photon transfer): measured by a pair of images, or on a single one by a high-pass."""
