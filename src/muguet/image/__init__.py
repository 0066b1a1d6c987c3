"""Y: what a microscope records, from the file to the planes that a network sees and back."""
