"""What a run tells: in the terminal, to TensorBoard, and in log files."""
