"""Network blocks, layers, initialisers, losses and optimizers."""
