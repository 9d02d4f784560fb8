"""File formats of weights: readers, number formats, and files that only stand in for weights."""
