r"""Tokens that no text contains, identified by where their rows lie among those of the tokens that are read.

Statistic: the number F of common unused tokens whose unique best match among the other model's unused tokens of the
same kind is the same token. Kinds are bytes of no text, other bytes, each series of a maker, and rows past the last
token; a kind with one common token is left out. A row of the input table is described by its inner products with the
rows of the shared anchors that are read (``fingerprint.unused``), centred over the anchors and scaled to length 1,
then centred over the tokens of its kind; the score is the cosine. Which tokens count is fixed by name
(``checkpoint.unused``), before any weight is read.

Group: permutations of the unused tokens of one kind that both models have, independently of the other kinds; L is
the number of kinds. A permutation acts on the rows of the input table, of the output table and of its bias. It is a
symmetry of training, not of the function. Kinds are apart because rows may be drawn, masked or reset kind by kind:
each kind then has a mean of its own, which tied tables of strangers share, and tokens matched inside their kind
would be too many for one group.

Theorem (unused tokens). Let T be the tokens of one kind, and let them occur in no text, target or random replacement
that a model is trained on. Let its initial rows for T be exchangeable (such as independent with one distribution,
whatever its mean) given all else that is random in training, and given the other model; let the loss be a function
of the logits that is symmetric in those of T (softmax over the whole vocabulary, also with label smoothing or a
z-loss), and let the optimiser treat all rows by one rule (SGD, Adam(W) with any epsilon, Adafactor, Lion; weight
decay; clipping by the norm of the whole). Then the rows for T of the trained model are exchangeable given all its
other weights and the other model.

Proof. Let a permutation s of T act on weights, gradients and optimiser states alike. No input reads a row of T, and s
permutes logits of T alone, so the loss L has L(s w) = L(w) for every batch, and grad L(s w) = s grad L(w). If a step
of training maps w to U(w), one rule for all rows says U(s w) = s U(w); by induction training maps s w_0 to s w_n. As
s w_0 and w_0 have one distribution given the rest, so have s w_n and w_n. ∎

Inner products with rows outside T, means over them and lengths follow s, which permutes the profiles; centring over
T is symmetric in T. So s permutes the rows (columns) of the score array of T and of no other, and F has the null
distribution of ``inference.fixed_points`` with L groups; of one kind, P(F >= k) <= 1/k!. The tokens that both models
keep are chosen by name, and the permutations of these alone do. One of the two models suffices.

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
from ..base.arrays import median
from ..checkpoint import STATED, kind_of
from ..fingerprint import Fingerprint, keys_of_names, unit_rows
from ..inference import critical_count
from .applicability import enough_anchors, first, on_shared_anchors
from .blocks import Block, BlocksByLayer
from .counted import Counted, Source
from .evidence import fixed_point_count
from .matching import background, fixed_points
from .result import EffectSize
from .statistic import Evidence, Statistic

_LEVEL = -3.0  # log10 of the level that a test must be able to reach, else it only costs the others theirs

_RESTORING = ("bert", "albert", "distilbert", "mpnet", "torch_encoder", "inferred")
"""Families that learn to restore tokens of a text, some of which were replaced by any token, and those that may."""
_LEAST_LENGTH = 2.0**-16  # of a profile less the mean, below which its direction is that of rounding


def _common(a: Fingerprint, b: Fingerprint) -> list[tuple[str, ...]]:
    """Names of the unused tokens that both models keep, by kind; kinds with one such token are left out."""
    known, kinds = set(b.record.unused), dict[str, list[str]]()
    for name in a.record.unused:
        if name in known:
            kinds.setdefault(kind_of(name), []).append(name)
    return [tuple(names) for names in kinds.values() if len(names) > 1]


def _refuse(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    return first(enough_anchors(a, b), _enough(a, b), _both_restore(a, b))


def _both_restore(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    """Refuse two models that may have read any token in place of another, both in the same places."""
    shapes = [model.record.architecture for model in (a, b)]
    restoring = all(
        shape.family in _RESTORING or shape.family.startswith(STATED) or shape.positions == "unknown"
        for shape in shapes
    )
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
    kinds = _common(a, b)
    common, least = sum(map(len, kinds)), critical_count(max(1, len(kinds)), _LEVEL)
    return None if common >= least else Phrase.of("few_unused", common=common, least=least)


def _counts(a: Fingerprint, b: Fingerprint) -> tuple[Counted, ...]:
    kinds = _common(a, b)
    n, source = sum(map(len, kinds)), Source("unused tokens", tokens)
    return (Counted("fixed_points", sources=(source,), least=n, most=n, most_groups=len(kinds)),)


def _run(a: Fingerprint, b: Fingerprint) -> Evidence:
    kinds, (a, b) = _common(a, b), on_shared_anchors(a, b)
    tables = [scores(a, b, names) for names in kinds]
    matched = np.concatenate([fixed_points(table) for table in tables])
    diagonal, others = (np.concatenate([of(table) for table in tables]) for of in (np.diagonal, background))
    effect = EffectSize(
        share=float(matched.mean()),
        cosine_identified=median(diagonal[matched]) if matched.any() else None,
        cosine_background=median(others) if len(others) else None,
    )
    live = int(np.isfinite(diagonal).sum())
    return Evidence((fixed_point_count(int(matched.sum()), len(matched), len(kinds), live),), effect)


def scores(a: Fingerprint, b: Fingerprint, names: tuple[str, ...]) -> NDArray[np.float64]:
    """Cosines [n, n] of the profiles of tokens of one kind; -inf where one is dead.

    Parameters
    ----------
    a, b : the models, on shared anchors.
    names : tokens that both keep.
    """
    x, y = (profiles(model, names) for model in (a, b))
    return np.where(np.outer(x.any(-1), y.any(-1)), x @ y.T, -np.inf)


def tokens(model: Fingerprint) -> BlocksByLayer:
    """Unused tokens by kind, in the order of numbers that stand for their names."""
    if "unused.embed" not in model.arrays:
        return {}
    row: dict[str, Block] = {}
    for kind in dict.fromkeys(map(kind_of, model.record.unused)):
        names = tuple(name for name in model.record.unused if kind_of(name) == kind)
        keys = keys_of_names(names)
        order = np.argsort(keys)
        row[kind] = Block(keys[order], len(keys), (profiles(model, names)[order][None],), (), copies=1)
    return {0: row}


def profiles(model: Fingerprint, names: tuple[str, ...]) -> NDArray[np.float64]:
    """Profiles of unused tokens of one kind, centred over those that are live, of length 1: [names, anchors].

    They are rounded to float16, so that products and sums are exact on every processor.
    """
    where = {name: i for i, name in enumerate(model.record.unused)}
    rows = model.arrays["unused.embed"][[where[name] for name in names]].astype(np.float64)
    live = rows.any(-1, keepdims=True)
    rows = np.where(live, rows - rows.sum(0) / max(1, int(live.sum())), 0.0)
    length = np.sqrt(np.square(rows).sum(-1, keepdims=True))
    return unit_rows(np.where(length > _LEAST_LENGTH, rows, 0.0)).astype(np.float64)


_GROUP = (
    "permutations of the tokens that no text contains, inside each kind of them, independently of the other kinds"
)

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
