"""Sentences on training, shared by the assumptions of several tests."""

EQUIVARIANT_TRAINING = (
    "At least one of the two models was trained from an initialisation and by a procedure whose joint "
    "distribution, given the other model, is invariant under {group}. This is true of initial matrices whose entries "
    "are independent with one distribution symmetric about zero (Gaussian, uniform on both sides of zero), or whose "
    "orthogonal factors are uniformly random, trained with SGD, Adam(W), Lion or Adafactor, and with Muon in "
    "distribution, not to the digit, since its low-precision iteration rounds differently in another order; "
    "only approximately true of optimisers with blockwise 8-bit states and of sharded Muon; and false for an "
    "initialisation that singles out indices (identity, which is orthogonal but not random, Hadamard or one fixed "
    "orthogonal matrix, ordered entries, growth from a smaller model by copying its units) or is not symmetric "
    "about zero (positive entries break sign flips), for units ordered by importance or nested, and for dropout "
    "masks fixed by index."
)
NOT_ARRANGED = (
    "Neither developer re-ordered or re-signed units to match the other model, and not both to match a third: "
    "someone who holds the reference can forge a match."
)
NO_SHARED_TENSORS = (
    "The models do not share pretrained embeddings, and neither was distilled from the other's hidden states."
)

EXCHANGEABLE = (
    "A and B are unrelated, and which of A, B and the panel's members are called A and B tells nothing about the "
    "scores, either as they are or once each model's average similarity to the other models is removed."
)
"""The null hypothesis of a similarity ranked among all pairs of a panel's members."""
EXCHANGEABLE_ASSUMPTIONS = (
    "A and B are exchangeable with the members, as they are or after removal of each model's main effect (its "
    "average similarity to the others).",
    "Not protected: multiplicative main effects, unequal noise, and an affinity of the pair that the members do not "
    "have, such as for a shared laboratory, data or tokenizer. Hence a verdict also needs a rank among twins.",
    "The members are unrelated to one another and to A and B, as declared.",
)

PRIMARY_ID = "response_match"
"""The similarity that may enter a verdict."""
