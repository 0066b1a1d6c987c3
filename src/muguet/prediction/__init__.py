"""A region of any size through a function: tiles, symmetries, and the loop over the planes of an image."""
