"""Readers of the formats of microscope makers and other fields; each needs a package of the extra `formats`."""
