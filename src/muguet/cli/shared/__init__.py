"""What several commands share: options, files and their partners, training, and applying a model."""
