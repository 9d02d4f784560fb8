r"""Tokens that no text contains, identified by where their rows lie among those of the tokens that are read.

Statistic: the number F of common unused tokens whose unique best match among the other model's unused tokens is the
same token. A row of the input table is described by its inner products with the rows of the shared anchors that are
read (``fingerprint.unused``), centred over the anchors and scaled to length 1, then centred over the tokens; the
score is the cosine. Which tokens count is fixed by name (``checkpoint.unused``), before any weight is read.

Group: permutations of the unused tokens that both models have: ONE group, L = 1. A permutation acts on the rows of
the input table, of the output table and of its bias. It is a symmetry of training, not of the function.

Theorem. Let T be a set of tokens that occur in no text, target or random replacement that a model is trained on. Let
its initial rows for T be exchangeable (such as independent with one distribution, whatever its mean) given all else
that is random in training, and given the other model; let the loss be a function of the logits that is symmetric in
those of T (softmax over the whole vocabulary, also with label smoothing or a z-loss), and let the optimiser treat all
rows by one rule (SGD, Adam(W) with any epsilon, Adafactor, Lion; weight decay; clipping by the norm of the whole).
Then the rows for T of the trained model are exchangeable given all its other weights and the other model.

Proof. Let a permutation s of T act on weights, gradients and optimiser states alike. No input reads a row of T, and s
permutes logits of T alone, so the loss L has L(s w) = L(w) for every batch, and grad L(s w) = s grad L(w). If a step
of training maps w to U(w), one rule for all rows says U(s w) = s U(w); by induction training maps s w_0 to s w_n. As
s w_0 and w_0 have one distribution given the rest, so have s w_n and w_n. ∎

Inner products with rows outside T, means over them and lengths follow s, which permutes the profiles; centring over T
is symmetric in T. So s permutes the rows (columns) of the score array, and F has the null distribution of
``inference.fixed_points`` with one group: P(F >= k) <= 1/k!. The tokens that both models keep are chosen by name, and
the permutations of these alone do. One of the two models suffices.

What may happen to the rows, and why it does no harm. *Untied tables*: an input row of T gets no gradient, so Adam's
update is 0 / (0 + epsilon) = 0, and it remains its initial row times a power of the weight decay. *Tied tables*: it
is pushed as an output, most of all in one direction for all of T, which centring over T removes. *Rows drawn anew*,
as when a table is extended, independent around the mean of the old ones: exchangeable given these, and the mean is
removed. *Rows set to the mean*, or to multiples of it: one direction, so all are ties, and a tie is no match. *Equal
rows* by chance or by rounding are ties; rows of zeros are dead. *A common seed* gives two models common initial
weights, which is what the test is to find.

What breaks it: rows copied from another model's table; rows made from the spelling or number of tokens (hash
embeddings), or repeated between shards of one table, which are not exchangeable; negatives sampled by number; tokens
of T that were read after all, for each of which F may be one too large. *Replacements*: masked language models put
any token in place of 1.5% of those read. Drawn afresh they keep T exchangeable, but two trainings on one prepared
text read the same tokens of T in the same places and learn what stood there, so the test refuses two models that may
be of that kind. *Outputs*: logits of T differ between tokens, so whoever imitates another model's logits learns its
output rows up to a map of the stream, and two students of one teacher both do. Where tables are not tied, input rows
know nothing of it, so output rows are never compared; where they are tied, a student is found like a copy.

Survives every change that keeps the function, permuted units and a rotated stream together, upcycling, changed depth,
a body trained anew on copied embeddings; models of different width compare. Blind to rows drawn anew.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..base import Phrase
from ..fingerprint import Fingerprint, keys_of_names, unit_rows
from .applicability import enough_anchors, first, on_shared_anchors
from .blocks import Block, BlocksByLayer
from .counted import Counted, Source
from .evidence import fixed_point_count
from .matching import background, fixed_points
from .result import EffectSize
from .statistic import Evidence, Statistic

LEAST = 7
"""Smallest number of common tokens: 1/7! is the first attainable p-value below .001, and a test that cannot reach the
level would only cost the others theirs."""

_RESTORING = ("bert", "albert", "distilbert", "mpnet", "torch_encoder", "inferred")
"""Families that learn to restore tokens of a text, some of which were replaced by any token, and those that may."""
_LEAST_LENGTH = 2.0**-16  # of a profile less the mean, below which its direction is that of rounding


def _common(a: Fingerprint, b: Fingerprint) -> tuple[str, ...]:
    """Names of the unused tokens that both models keep."""
    known = set(b.record.unused)
    return tuple(name for name in a.record.unused if name in known)


def _refuse(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    return first(enough_anchors(a, b), _enough(a, b), _both_restore(a, b))


def _both_restore(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    """Refuse two models that may have read any token in place of another, both in the same places."""
    shapes = [model.record.architecture for model in (a, b)]
    restoring = all(shape.family in _RESTORING or shape.family.startswith("layout:") for shape in shapes)
    return Phrase.of("both_restore") if restoring else None


def _enough(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    """Refuse models with fewer common unused tokens than could ever be evidence."""
    models = {"A": a.record, "B": b.record}
    if any("unused" not in record.components for record in models.values()):
        return None  # which arrays are absent is said elsewhere
    for side, record in models.items():
        if record.tokenizer is None:
            return Phrase.of("no_tokenizer", model=side)
        if not record.unused:
            return Phrase.of("no_unused", model=side, tokenizer=record.tokenizer)
    common = len(_common(a, b))
    return None if common >= LEAST else Phrase.of("few_unused", common=common, least=LEAST)


def _counts(a: Fingerprint, b: Fingerprint) -> tuple[Counted, ...]:
    n = len(_common(a, b))
    return (Counted("fixed_points", sources=(Source("unused tokens", tokens),), least=n, most=n, most_groups=1),)


def _run(a: Fingerprint, b: Fingerprint) -> Evidence:
    names = _common(a, b)
    x, y = (profiles(model, names) for model in on_shared_anchors(a, b))
    scores = np.where(np.outer(x.any(-1), y.any(-1)), x @ y.T, -np.inf)
    matched, live = fixed_points(scores), int(np.isfinite(scores.diagonal()).sum())
    others = background(scores)
    effect = EffectSize(
        share=float(matched.mean()),
        cosine_identified=float(np.median(scores.diagonal()[matched])) if matched.any() else None,
        cosine_background=float(np.median(others)) if len(others) else None,
    )
    return Evidence((fixed_point_count(int(matched.sum()), len(matched), 1, live),), effect)


def tokens(model: Fingerprint) -> BlocksByLayer:
    """Unused tokens as one block, in the order of numbers that stand for their names."""
    if "unused.embed" not in model.arrays:
        return {}
    keys = keys_of_names(model.record.unused)
    order = np.argsort(keys)
    rows = profiles(model, model.record.unused)[order]
    return {0: {"tokens": Block(keys[order], len(keys), (rows[None],), (), copies=1)}}


def profiles(model: Fingerprint, names: tuple[str, ...]) -> NDArray[np.float64]:
    """Profiles of some unused tokens, centred over those that are live, of length 1; shape [names, anchors].

    They are rounded to float16, so that products and sums are exact on every processor.
    """
    where = {name: i for i, name in enumerate(model.record.unused)}
    rows = model.arrays["unused.embed"][[where[name] for name in names]].astype(np.float64)
    live = rows.any(-1, keepdims=True)
    rows = np.where(live, rows - rows.sum(0) / max(1, int(live.sum())), 0.0)
    length = np.sqrt(np.square(rows).sum(-1, keepdims=True))
    return unit_rows(np.where(length > _LEAST_LENGTH, rows, 0.0)).astype(np.float64)


_GROUP = "permutations of the tokens that no text contains"

UNUSED_TOKENS = Statistic(
    id="unused_tokens",
    version=1,
    title="Tokens that no text contains, by their place among the embeddings of other tokens",
    null=(
        "Which token that no text contains has which row in the token table of one model carries no information "
        "about the rows of the other."
    ),
    assumptions=(
        f"At least one of the two models was trained from an initialisation and by a procedure whose joint "
        f"distribution, given the other model, is invariant under {_GROUP}. This is true where their initial rows "
        "are drawn alike and independently of one another (around any mean), the loss is a softmax over the whole "
        "vocabulary, and the optimiser has one rule for all rows (SGD, Adam(W), Adafactor, Lion); and false of rows "
        "that are made from the spelling or number of a token, or repeated between parts of a table, and of "
        "negatives sampled by number.",
        "Neither text nor targets held these tokens, nor was text that spells their names split into them; which "
        "they are is fixed by their names. A token that both trainings used after all may be one match too many.",
        "Where a token table is also the output layer, neither model was distilled from the logits of the other, nor "
        "both from those of a third: unused tokens have different logits, so a student is found like a copy. "
        "Tables that are not tied do not need this.",
        "Neither developer copied or re-ordered these rows to match the other model, and the models do not share "
        "pretrained embeddings: someone who holds the reference can forge a match.",
    ),
    survives=(
        "every change that keeps the function: permuted units and a rotated residual stream together, upcycling, "
        "changed depth; a body trained anew on copied embeddings"
    ),
    blind_to="rows of unused tokens drawn anew; for tables that are not tied, distillation",
    refuse=_refuse,
    run=_run,
    counts=_counts,
    localised=False,
    group=_GROUP,
    compares="unused tokens",
)
