"""Images larger than memory: what was found on some of their planes is removed from every part when it is read."""
