"""The roles of tensors: tables of families, given and inferred layouts, and the parts of one model."""
