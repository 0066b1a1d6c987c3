"""The camera, read off its noise: gain, offset and read noise with intervals, and what they mean in words."""
