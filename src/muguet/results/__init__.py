"""Results for files: a denoised image as it is written, and what made it."""
