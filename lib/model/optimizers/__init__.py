"""Rules that turn gradients into changes of the weights."""
