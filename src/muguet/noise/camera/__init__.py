"""The camera, read off its noise: gain, offset and read noise with intervals, and their meaning in sentences."""
