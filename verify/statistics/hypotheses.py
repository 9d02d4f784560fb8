"""Sentences about training that the null hypotheses of several tests share."""

EQUIVARIANT_TRAINING = (
    "At least one of the two models was trained from an initialisation, and by a procedure, that "
    "treats {group} alike (independent Gaussian, uniform or orthogonal initialisation with SGD, Adam(W), "
    "Lion, Adafactor or Muon does; blockwise 8-bit optimiser states and sharded Muon do so only "
    "approximately; units ordered by importance or nested, and dropout masks fixed by index, do not)."
)
NOT_ARRANGED = (
    "Neither maker arranged a model using the other's weights, or both using a third's: a match can be "
    "forged by someone who held the reference."
)
NO_SHARED_TENSORS = (
    "The models do not share pretrained embeddings, and neither was distilled from the other's hidden states."
)
