"""ε: laws of the noise, each a module that maps a signal to the distribution of what is recorded."""
