"""Figures of a result and of a noise law, as matplotlib draws them."""
