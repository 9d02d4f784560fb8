"""What files hold: formats of tensors, the numbers that they store, and what stands in the place of weights."""
