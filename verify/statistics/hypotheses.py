"""Sentences about training that the null hypotheses of several tests share."""

EQUIVARIANT_TRAINING = (
    "At least one of the two models was trained from an initialisation, and by a procedure, that "
    "treats {group} alike. Independent entries of one law that is symmetric about zero (Gaussian, uniform), or "
    "matrices with uniformly random orthogonal factors, do so with SGD, Adam(W), Lion, Adafactor or Muon; "
    "blockwise 8-bit optimiser states and sharded Muon only approximately. Not so: an initialisation that singles "
    "out indices (identity, Hadamard or one fixed orthogonal matrix, ordered entries, growth from a smaller model "
    "by copying its units), one that is not symmetric about zero (positive entries break sign flips), units "
    "ordered by importance or nested, and dropout masks fixed by index."
)
NOT_ARRANGED = (
    "Neither maker arranged a model using the other's weights, or both using a third's: a match can be "
    "forged by someone who held the reference."
)
NO_SHARED_TENSORS = (
    "The models do not share pretrained embeddings, and neither was distilled from the other's hidden states."
)
