"""What is done to a swapped face that is enlarged."""
