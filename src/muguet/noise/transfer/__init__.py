"""Photon transfer, variance against signal: measured on pairs of images, or on a single one by a high-pass filter."""
