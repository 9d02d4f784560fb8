"""Files as real tools write them: whether they are read, and whether the numbers are the tool's own."""
