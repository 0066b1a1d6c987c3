"""How good a result is: scores, with and without a clean image, and the figures that show it."""
