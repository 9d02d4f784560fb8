"""What tensors are: tables of families, layouts that are given or inferred, and the parts of one model."""
