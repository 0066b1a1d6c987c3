"""Files: how TIFF dialects and other formats say what an image is, read and written faithfully."""
