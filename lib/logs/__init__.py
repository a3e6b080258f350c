"""What a run tells: in the terminal, to TensorBoard, and in a log of JSON lines."""
