"""The held-out score, and swap accuracy against rendered truth."""
