"""TensorBoard and the console line."""
