"""Parts that several commands share: options, files, training, and denoising with a model."""
