"""How a swapped face takes on the frame's colours."""
