"""Two fine-tunes of one base: relatives rank first among siblings, strangers do not, and counts are exact."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from numpy.typing import NDArray
from safetensors.numpy import save_file

from schemas.__main__ import HERE
from tests import commands
from tests.adapters import adapter
from tests.checkpoints import Array
from tests.commands import Run, check_refused
from tests.models import config, weights, write
from tests.reports import CREATED, changed, sealed
from verify import BeyondReport, InputError, Location, ReportError, beyond, fingerprint, replay
from verify.checkpoint import Beside, opened
from verify.data import model
from verify.render import FORMATS
from verify.siblings import changes as measuring
from verify.siblings.changes import Measured, measure
from verify.siblings.directions import directions, overlap
from verify.siblings.rank import check_reach, closeness

run = commands.run
Numbers = NDArray[np.float64]
Tensors = dict[str, Array]
Change = dict[str, Any]
"""What is added to each tensor."""
C = config(layers=2, width=32, hidden=48, heads=4, kv_heads=2)
KINDS = ("prose", "code")
UNSEEN = "sums"
"""Data of no sibling."""
COUNT = 13
BASE = weights(0, C)
UP, DOWN = "model.layers.0.mlp.up_proj.weight", "model.layers.1.mlp.down_proj.weight"


def noise(seed: int, size: float = 1.0, only: str | None = None) -> Change:
    """A change of the base's matrices, or of one of them."""
    rng = np.random.default_rng(seed)
    return {
        name: size * rng.standard_normal(x.shape) * (x.ndim > 1 and only in (None, name)) for name, x in BASE.items()
    }


def plus(*changes: Change) -> Tensors:
    """The base with changes."""
    return {name: (x + sum(change[name] for change in changes)).astype(np.float32) for name, x in BASE.items()}


def of_kind(kind: str, seed: int) -> list[Change]:
    """The changes of a fine-tune: what all on its data have, in few directions, and its own."""
    at = (*KINDS, UNSEEN).index(kind)
    rng = np.random.default_rng(500 + at)
    common = {
        name: np.outer(rng.standard_normal(x.shape[0]), rng.standard_normal(x.shape[-1])) if x.ndim > 1 else 0 * x
        for name, x in BASE.items()
    }
    return [common, noise(1000 * (at + 1) + seed, 0.3)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base, siblings of two kinds in a folder of each, and more fine-tunes, by name."""
    root = tmp_path_factory.mktemp("models")
    for kind in KINDS:
        for n in range(COUNT):
            write(root / "siblings" / kind / f"{kind}-{n}", plus(*of_kind(kind, n)), C)
    parent, other = of_kind("prose", 50), of_kind("code", 51)
    half = [{name: x / 2 for name, x in change.items()} for change in (*parent, *other)]
    models = {
        "base": BASE,
        "parent": plus(*parent),
        "child": plus(*parent, noise(70, 0.2)),
        "cousin": plus(*of_kind("prose", 52)),
        "stranger": plus(*other),
        "merge": plus(*half),
        "part": plus(noise(80, only=UP)),
        "holder": plus(noise(80, only=UP), noise(81, only=DOWN)),
        "foreign": weights(9, C),
    }
    for name, tensors in models.items():
        write(root / name, tensors, C)
    return root


def siblings(root: Path) -> dict[str, list[Path]]:
    """The siblings of each kind."""
    return {kind: sorted((root / "siblings" / kind).iterdir()) for kind in KINDS}


def report(root: Path, a: str, b: str, *, alone: bool = False, **options: object) -> BeyondReport:
    """Two models by name, among the siblings unless alone."""
    others = {} if alone else siblings(root)
    return beyond(root / a, root / b, root / "base", others, created=CREATED, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("pair", [("child", "parent"), ("parent", "child"), ("merge", "parent")])
def test_a_fine_tune_of_the_fine_tune_and_a_merge_with_it_are_closer_than_siblings(
    made: Path, pair: tuple[str, str]
) -> None:
    found = report(made, *pair)
    assert found.outcome == "shares_derivation"
    assert found.closeness is not None
    assert (found.closeness.rank, found.closeness.size) == (1, 105)
    assert found.log10_p == pytest.approx(-np.log10(105))
    assert "a sign that they share a derivation beyond P, if" in found.answer.sentence
    assert "one seed and order of batches" in found.answer.does_not_show


@pytest.mark.parametrize("pair", [("parent", "cousin"), ("parent", "stranger"), ("cousin", "stranger")])
def test_unrelated_fine_tunes_are_no_closer_also_on_the_same_data(made: Path, pair: tuple[str, str]) -> None:
    found = report(made, *pair)
    assert found.outcome == "not_closer"
    assert found.closeness is not None
    assert found.closeness.rank > 1
    assert "not evidence" in found.answer.does_not_show


def test_two_models_on_data_of_no_sibling_are_not_called_related(made: Path, tmp_path: Path) -> None:
    """They would lead all pairs, since what they have in common no two siblings have so purely."""
    pure, own = of_kind(UNSEEN, 0)[0], [noise(7000 + n, 0.05) for n in range(2)]
    a, b = (write(tmp_path / f"unseen-{n}", plus(pure, one), C) for n, one in enumerate(own))
    found = beyond(a, b, made / "base", siblings(made), created=CREATED)
    assert found.closeness is not None
    assert found.closeness.rank == 1
    assert (found.outcome, found.closeness.unlike, found.log10_p) == ("unlike_siblings", ("A", "B"), 0.0)
    assert "none of the siblings" in found.answer.sentence
    assert "would tell" in found.answer.does_not_show
    assert replay(found).agrees
    one = beyond(a, made / "parent", made / "base", siblings(made), created=CREATED)
    assert one.closeness is not None
    assert one.closeness.unlike == ("A",)


def test_which_is_a_and_the_order_of_siblings_change_nothing(made: Path) -> None:
    first = report(made, "child", "parent").closeness
    turned = {kind: models[::-1] for kind, models in reversed(siblings(made).items())}
    second = beyond(made / "parent", made / "child", made / "base", turned, created=CREATED).closeness
    assert first is not None
    assert second is not None
    assert (first.log10_p, first.false_match, first.scores[0]) == (
        second.log10_p,
        second.false_match,
        second.scores[0],
    )
    assert [row.log10_p for row in first.rows] == [row.log10_p for row in second.rows[::-1]]


def test_pairs_searched_are_paid_for(made: Path) -> None:
    found = report(made, "child", "parent", alpha=0.05, searched=5)
    assert found.log10_p == pytest.approx(np.log10(5 / 105))
    assert found.outcome == "shares_derivation"
    assert "pairs that were searched are paid for" in found.answer.chance


def measured(root: Path, *models: Tensors, dtypes: str | list[str] = "F32") -> Measured:
    """Changes of models that are written first."""
    each = [dtypes] * len(models) if isinstance(dtypes, str) else dtypes
    folders = [write(root / f"m{n}", x, C, dtype=each[n]) for n, x in enumerate(models)]
    base = opened(Location(str(write(root / "m-base", BASE, C))))
    return measure(base, [opened(Location(str(folder))) for folder in folders], lambda *_: None)


def test_decay_and_scale_alone_make_no_two_models_alike(tmp_path: Path) -> None:
    """Without taking out what goes along the base, a common decay would lead every rank."""
    shrunk = {name: -0.5 * x * (x.ndim > 1) for name, x in BASE.items()}
    found = measured(tmp_path, plus(shrunk, noise(1, 0.1)), plus(shrunk, noise(2, 0.1)))
    raw = [plus(shrunk, noise(seed, 0.1)) for seed in (1, 2)]
    a, b = (np.concatenate([(x[name] - BASE[name]).ravel() for name in BASE]) for x in raw)
    assert a @ b / np.sqrt((a @ a) * (b @ b)) > 0.9
    assert abs(found.similarity[0, 1]) < 0.1
    assert abs(found.cosine[0, 1]) < 0.1


@pytest.mark.parametrize("dtype", ["F32", "BF16"])
@pytest.mark.parametrize("factors", [(0.5, 0.25), (0.9, 0.9), (0.9, 0.7)])
def test_what_rounding_leaves_of_a_scaled_matrix_is_no_change(
    tmp_path: Path, dtype: str, factors: tuple[float, float]
) -> None:
    """Strangers in all but the factors of three matrices of four: their rounding is alike, and led every rank."""
    rest = [name for name, x in BASE.items() if x.ndim > 1][::4]

    def scaled(seed: int, factor: float) -> Tensors:
        tuned = plus(noise(seed, 0.1))
        return {name: tuned[name] if name in rest else np.float32(factor) * x for name, x in BASE.items()}

    found = measured(tmp_path, scaled(1, factors[0]), scaled(2, factors[1]), plus(noise(3, 0.1)), dtypes=dtype)
    assert abs(found.similarity[0, 1]) < 0.1
    assert np.diag(found.shapes)[0] < np.diag(found.shapes)[2] / 2


def test_a_decay_that_was_rounded_at_each_step_is_no_change(tmp_path: Path) -> None:
    decayed = dict(BASE)
    for _ in range(300):
        decayed = {name: x * np.float32(1 - 1e-4) for name, x in decayed.items()}
    found = measured(tmp_path, decayed, plus(noise(1, 1e-4)), plus(noise(2, 1e-4)))
    assert np.diag(found.shapes)[0] == 0
    assert (np.diag(found.shapes)[1:] > 0).all()


def test_a_model_that_was_only_saved_in_a_coarser_type_changed_nothing(tmp_path: Path) -> None:
    """Its rounding, which any two such models share, is no change; also where 16 bits are stored as 32."""
    import ml_dtypes

    widened = {name: x.astype(ml_dtypes.bfloat16).astype(np.float32) for name, x in plus().items()}
    found = measured(tmp_path, plus(), widened, plus(noise(4)), dtypes=["BF16", "F32", "F32"])
    assert np.diag(found.shapes)[:2].tolist() == [0.0, 0.0]
    assert [(one.same_a, one.same_b, one.dtype) for one in found.tensors] == [
        (one.entries, one.entries, "BF16") for one in found.tensors
    ]


def test_rounding_of_small_changes_is_the_same_for_all(tmp_path: Path) -> None:
    """Tiny changes of a base in 32 bits flip the same numbers once saved in 16, so all are rounded alike."""
    small = [plus(noise(seed, 1e-3)) for seed in range(10, 16)]
    found = measured(tmp_path, *small, dtypes=["BF16", "BF16", "F32", "F32", "F32", "F32"])
    S = found.similarity
    of_siblings = S[2:, 2:][np.triu_indices(4, 1)]
    assert abs(S[0, 1] - of_siblings.mean()) < 5 * of_siblings.std() + 0.02


def test_counts_are_exact_and_containment_is_said_without_a_p(made: Path) -> None:
    found = report(made, "part", "holder", alone=True)
    by_name = {one.name: one for one in found.tensors}
    assert (found.outcome, found.log10_p, found.closeness) == ("counted", None, None)
    for said in (found.checked, replay(found).sentence, found.to_html()):
        assert "ank and p-value" not in said
    assert "rank and p-value" in report(made, "child", "parent").checked
    up, down = by_name[UP], by_name[DOWN]
    assert (up.same_a, up.same_b, up.equal, up.changed) == (0, 0, up.entries, up.entries)
    assert (down.same_a, down.same_b, down.same_both) == (down.entries, 0, 0)
    assert all(one.same_both == one.entries for name, one in by_name.items() if name not in (UP, DOWN))
    assert found.total.equal == up.entries
    assert "the change of A is contained in that of B" in found.answer.sentence
    assert "contained" not in report(made, "child", "parent", alone=True).answer.sentence
    assert "the change of B is contained in that of A" in report(made, "holder", "part", alone=True).answer.sentence
    assert "the same numbers" in report(made, "part", "part", alone=True).answer.sentence
    assert "no p-value" in found.answer.does_not_show


def test_containment_is_said_of_the_tensors_that_are_compared(made: Path, tmp_path: Path) -> None:
    """What A changed in a tensor that B lacks is not in B."""
    whole = plus(noise(5, 0.1, UP), noise(6, 0.1, DOWN))
    a, b = write(tmp_path / "a", whole, C), tmp_path / "b.safetensors"
    save_file({name: x for name, x in whole.items() if name != DOWN}, b)
    found = beyond(a, b, made / "base", created=CREATED)
    assert [(one.name, one.model, one.reason) for one in found.not_compared] == [(DOWN, "B", "missing")]
    assert "in all tensors compared, to the bit in the coarser type" in found.answer.sentence


@settings(max_examples=10)
@given(st.integers(0, 10**6), st.integers(0, 3), st.integers(0, 3))
def test_counts_follow_from_the_numbers(
    tmp_path_factory: pytest.TempPathFactory, seed: int, of_a: int, of_b: int
) -> None:
    rng = np.random.default_rng(seed)
    pick = {name: rng.integers(0, 4, x.shape) for name, x in BASE.items()}
    step = noise(seed)
    a = plus({name: step[name] * (pick[name] >= of_a) for name in BASE})
    b = plus({name: step[name] * (pick[name] <= of_b) for name in BASE})
    found = measured(tmp_path_factory.mktemp("counts"), a, b)
    for one in found.tensors:
        p, x, y = BASE[one.name], a[one.name], b[one.name]
        expected = ((x == p).sum(), (y == p).sum(), ((x == p) & (y == p)).sum(), ((x == y) & (x != p)).sum())
        assert (one.same_a, one.same_b, one.same_both, one.equal) == expected
        assert one.entries == p.size


def test_small_blocks_give_the_same_numbers(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = report(made, "child", "parent")
    largest = 0

    def watched(self: Beside, entries: int) -> Iterator[tuple[int, Numbers]]:
        nonlocal largest
        for start, numbers in blocks(self, entries):
            largest = max(largest, numbers.size)
            yield start, numbers

    blocks = Beside.blocks
    monkeypatch.setattr(Beside, "blocks", watched)
    monkeypatch.setattr(measuring, "ENTRIES", 4000)
    again = report(made, "child", "parent")
    assert largest <= 4000
    assert again.tensors == whole.tensors
    assert again.a.numbers_sha256 == whole.a.numbers_sha256
    assert again.closeness is not None
    assert whole.closeness is not None
    assert np.allclose(again.closeness.scores, whole.closeness.scores, atol=2e-6)


def test_row_spaces_of_low_rank_changes_overlap_where_they_are_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)

    def low(rows: Change) -> Change:
        return {
            name: rng.standard_normal((x.shape[0], 2)) @ rows[name] if x.ndim > 1 else 0 * x
            for name, x in BASE.items()
        }

    spaces = [{name: rng.standard_normal((2, x.shape[-1])) for name, x in BASE.items()} for _ in range(2)]
    found = measured(tmp_path, plus(low(spaces[0])), plus(low(spaces[0])), plus(low(spaces[1])), plus(noise(6)))
    assert found.row_spaces[0, 1] == pytest.approx(1.0, abs=1e-3)
    assert found.row_spaces[0, 2] < 0.3
    assert np.isnan(found.row_spaces[0, 3])


@given(st.integers(0, 999), st.floats(0.1, 10), st.integers(1, 5))
def test_directions_do_not_depend_on_the_size_of_a_change_and_turn_with_it(seed: int, size: float, rank: int) -> None:
    rng = np.random.default_rng(seed)
    change = rng.standard_normal((12, rank)) @ rng.standard_normal((rank, 20))
    turn = np.linalg.qr(rng.standard_normal((20, 20)))[0]
    found = directions(change)
    assert np.square(found.all).sum() == pytest.approx(rank)
    assert np.allclose(directions(size * change).all, found.all, atol=1e-8)
    assert np.allclose(directions(change @ turn).all, found.all @ turn, atol=1e-8)
    if found.row_space is not None:
        shared, least = overlap(found.row_space, found.row_space)
        assert (round(shared, 9), least) == (rank, rank)
    assert not directions(np.zeros((3, 4))).all.any()


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
def test_adapters_are_merged_onto_the_base(tmp_path: Path, dtype: str) -> None:
    under = write(tmp_path / "base", BASE, C, dtype=dtype)
    rng, module = np.random.default_rng(4), "model.layers.0.mlp.up_proj"
    factors = {"A": rng.standard_normal((2, 32)), "B": rng.standard_normal((48, 2))}
    tensors = {f"{module}.lora_{k}.weight": x.astype(np.float32) for k, x in factors.items()}
    lora = adapter(tmp_path / "lora", tensors, r=2, lora_alpha=2)
    merged = BASE | {UP: (BASE[UP] + tensors[f"{module}.lora_B.weight"] @ tensors[f"{module}.lora_A.weight"])}
    whole = write(tmp_path / "merged", merged, C, dtype=dtype)
    found = beyond(lora, whole, under, created=CREATED)
    assert found.a.merged_onto == "base"
    assert found.similarity == pytest.approx(1.0, abs=0.1)
    up = next(one for one in found.tensors if one.name == UP)
    assert up.dtype == dtype
    assert max(up.same_a, up.same_b) < up.entries / 10
    assert found.total.same_both - up.same_both == found.total.entries - up.entries
    spaces = next(one for one in found.numbers if one.name == "row_spaces")
    assert spaces.value == pytest.approx(1.0, abs=0.01)


def test_size_holds_for_siblings_of_unequal_strength() -> None:
    """Fine-tunes of many lengths, two kinds of data, and some of low rank: 60 fresh pairs, 39 siblings."""
    rng, called = np.random.default_rng(11), 0
    shape, kinds = (24, 24), ["x"] * 13 + ["y"] * 13
    for _ in range(60):
        data = {kind: rng.standard_normal((24, 2)) @ rng.standard_normal((2, 24)) for kind in "xy"}
        pair = ["x", "x"] if rng.random() < 0.5 else ["x", "y"]
        changes = []
        for kind in [*pair, *kinds]:
            own = rng.standard_normal(shape)
            if rng.random() < 0.25:
                own = rng.standard_normal((24, 2)) @ rng.standard_normal((2, 24))
            changes.append(directions(rng.exponential() * data[kind] + own).all.ravel())
        flat = np.stack(changes)
        S = flat @ flat.T / np.sqrt(np.outer((flat**2).sum(1), (flat**2).sum(1)))
        found = closeness((S + S.T) / 2, [str(n) for n in range(26)], kinds, 0.05, 1)
        called += found.rejects
    assert called <= 8  # binomial(60, .05) exceeds 8 with a chance of .002


def test_strangers_trained_less_than_every_sibling_get_no_verdict(tmp_path: Path) -> None:
    """What training finds first is common to all, and noise grows with the steps: the least trained are most alike.

    At the steps of a sibling drawn anew strangers keep the level. At half the steps of the least trained sibling the
    assumption fails, and most would be called related, but that both are more like all siblings than these are.
    """
    rng = np.random.default_rng(4)
    common = noise(999, 0.05)

    def tuned(steps: int) -> Path:
        own = noise(int(rng.integers(1 << 30)), 0.025 * steps**0.5)
        return write(tmp_path / str(rng.integers(1 << 60)), plus(common, own), C)

    base = write(tmp_path / "base", BASE, C)

    def called_related(*steps: int) -> tuple[int, int]:
        """Of 20 pairs, at .05, and with that rank; A and B are trained as siblings are without ``steps``."""
        found = led = 0
        for _ in range(20):
            a, b, *siblings = (int(n) for n in rng.integers(2, 5, 7))
            pair = (tuned(n) for n in steps or (a, b))
            one = beyond(*pair, base, [tuned(n) for n in siblings], alpha=0.05)
            assert one.closeness is not None
            found += one.outcome == "shares_derivation"
            led += one.closeness.rank <= 0.05 * one.closeness.size
        return found, led

    assert called_related()[1] <= 4, "at most 1 in 20 of them on average; 5 or more of 20 once in 390"
    related, led = called_related(1, 1)
    assert led == 19
    assert related == 0


def test_what_cannot_be_compared_is_refused(run: Run, made: Path, tmp_path: Path) -> None:
    few = siblings(made)["code"][:12]
    pair = (made / "child", made / "parent", made / "base")
    with pytest.raises(InputError, match=r"1 sibling of the kind without a name is given"):
        check_reach(["prose"] * 20 + [""], 0.01, 1)
    with pytest.raises(InputError, match=r"12 siblings are given, .* give at least 13 of each kind"):
        beyond(*pair, few)
    with pytest.raises(InputError, match="of the kind 'code'"):
        beyond(*pair, siblings(made) | {"code": few})
    with pytest.raises(InputError, match="give at least 3"):
        beyond(*pair, few[:2], alpha=0.5)
    like = siblings(made)["prose"]
    assert beyond(*pair, like[:3], alpha=0.2).closeness is not None
    assert beyond(*pair, like[:5], alpha=0.05).closeness is not None
    with pytest.raises(InputError, match="does not look like a model made from base"):
        beyond(made / "child", made / "foreign", made / "base")
    with pytest.raises(InputError, match="holds the same numbers as parent"):
        beyond(*pair, [*siblings(made)["prose"], made / "parent"])
    with pytest.raises(InputError, match="holds the same numbers as base"):
        beyond(*pair, [*siblings(made)["prose"], made / "base"])
    with pytest.raises(InputError, match="siblings is"):
        beyond(*pair, "prose")
    with pytest.raises(InputError, match="siblings of the kind 'prose' is"):
        beyond(*pair, {"prose": "one"})
    with pytest.raises(InputError, match="alpha is"):
        beyond(*pair, alpha=2.0)
    fingerprint(made / "parent").save(tmp_path / "print")
    check_refused(run("beyond", tmp_path / "print", made / "parent", "--base", made / "base"), "is a fingerprint")
    check_refused(run("beyond", made / "child", made / "parent", "--base", tmp_path / "no"), "no")


def test_a_search_and_models_unlike_all_count_for_every_p_that_is_shown() -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((15, 15))
    S = np.round((x + x.T) / 9, 6)
    S[0, 1] = S[1, 0] = 0.9
    kinds, names = ["prose"] * 13, [str(n) for n in range(13)]
    one, ten = (closeness(S, names, kinds, 0.1, searched) for searched in (1, 10))
    assert [row.log10_p + 1 for row in one.rows] == pytest.approx([row.log10_p for row in ten.rows])
    assert [row.attainable_log10_p for row in ten.rows] == pytest.approx([1 - np.log10(14)] * 2)
    S[0, 2:] = S[2:, 0] = -0.9
    unlike = closeness(S, names, kinds, 0.1, 1)
    assert unlike.unlike == ("A",)
    assert (unlike.log10_p, *(row.log10_p for row in unlike.rows)) == (0, 0, 0)
    assert unlike.critical_odds_ratio == 0


def test_a_model_that_is_as_the_base_leaves_nothing_to_compare(made: Path) -> None:
    found = report(made, "base", "parent")
    assert (found.outcome, found.similarity, found.log10_p) == ("as_base", None, None)
    assert "matrices of A are as in the base" in found.answer.sentence
    assert replay(found).agrees


def test_tensors_that_differ_in_shape_or_are_missing_are_listed(made: Path, tmp_path: Path) -> None:
    tensors = plus(*of_kind("prose", 50), noise(70, 0.2))
    head = tensors.pop("lm_head.weight")
    tensors["model.embed_tokens.weight"] = np.concatenate([tensors["model.embed_tokens.weight"], head[:3]])
    longer = config(layers=2, width=32, hidden=48, heads=4, kv_heads=2, vocab=131)
    write(tmp_path / "longer", tensors, longer)
    found = beyond(tmp_path / "longer", made / "parent", made / "base", siblings(made), created=CREATED)
    assert {(one.name, one.model, one.reason) for one in found.not_compared} == {
        ("lm_head.weight", "A", "missing"),
        ("model.embed_tokens.weight", "A", "shape"),
    }
    assert found.outcome == "shares_derivation"
    assert "In 2 cases" in found.limitations[0]


def test_numbers_that_are_not_finite_are_told(made: Path, tmp_path: Path) -> None:
    tensors = plus(*of_kind("prose", 50), noise(70, 0.2))
    tensors[UP][0, :5] = np.nan
    write(tmp_path / "broken", tensors, C)
    found = beyond(tmp_path / "broken", made / "parent", made / "base", siblings(made), created=CREATED)
    assert found.a.non_finite == 5
    assert "5 of the numbers of A are not finite" in found.limitations[0]
    assert found.outcome == "shares_derivation"


def test_a_report_is_read_again_and_fits_its_schema(made: Path, tmp_path: Path) -> None:
    found = report(made, "child", "parent")
    found.to_json(tmp_path / "report.json")
    assert BeyondReport.from_json(tmp_path / "report.json") == found
    assert report(made, "child", "parent").to_json() == found.to_json()
    schema = json.loads((HERE / "beyond-1.schema.json").read_text())
    Draft202012Validator(schema).validate(json.loads(found.to_json()))
    with pytest.raises(ReportError, match="altered"):
        BeyondReport.from_json(found.to_json().replace('"alpha":0.01', '"alpha":0.02'))


@pytest.mark.parametrize(
    ("field", "value", "disagrees"),
    [
        ("$.closeness.rank", 2, "$.closeness.rank"),
        ("$.closeness.log10_p", -1.0, "$.closeness.log10_p"),
        ("$.closeness.size", 400, "$.closeness.size"),
        ("$.siblings[0].kind", "alone", "$.closeness"),
        ("$.closeness.false_match.bound", 0.01, "$.closeness.false_match.bound"),
    ],
)
def test_a_rank_that_does_not_follow_from_the_similarities_is_detected(
    made: Path, field: str, value: object, disagrees: str
) -> None:
    found = report(made, "child", "parent")
    assert replay(found).status == "arithmetic_agrees"
    assert "was not checked" in replay(found).sentence
    forged = replay(sealed(changed(found.facts(), field, value)).decode())
    assert forged.status == "disagrees"
    assert disagrees in {one.field for one in forged.disagreements}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("$.similarity", 0.5),
        ("$.closeness", None),
        ("$.tensors[0].equal", 10**9),
        ("$.numbers", []),
        ("$.a.directions", 0),
    ],
)
def test_records_that_cannot_be_are_refused(made: Path, field: str, value: object) -> None:
    content = changed(report(made, "child", "parent").facts(), field, value)
    with pytest.raises(ReportError, match="not a report beyond a base"):
        BeyondReport.from_json(sealed(content).decode())


def test_a_report_is_made_again_from_the_weights(made: Path) -> None:
    found = report(made, "child", "parent")
    others = [path for models in siblings(made).values() for path in models]
    given = {"candidates": others, "base": made / "base"}
    assert replay(found, made / "child", made / "parent", **given).status == "agrees"  # type: ignore[arg-type]
    swapped = replay(found, made / "cousin", made / "parent", **given)  # type: ignore[arg-type]
    assert swapped.status == "disagrees"
    forged = sealed(changed(found.facts(), "$.tensors[0].same_a", 3)).decode()
    fields = replay(forged, made / "child", made / "parent", **given).disagreements  # type: ignore[arg-type]
    assert "$.tensors[0].same_a" in {one.field for one in fields}
    with pytest.raises(InputError, match="each sibling"):
        replay(found, made / "child", made / "parent", base=made / "base")
    with pytest.raises(InputError, match="no panel"):
        replay(found, panel="default")


@pytest.mark.parametrize("form", [name for name, form in FORMATS.items() if not form.claims_only and name != "pdf"])
def test_every_format_has_the_answer_and_the_counts(made: Path, form: str) -> None:
    text = report(made, "child", "parent").to(form).decode()
    assert "CLOSER THAN SIBLINGS" in text if form != "json" else '"rank":1' in text
    plain = text.replace("\\_", "_").replace("<wbr>", "").replace("\\allowbreak{}", "")
    assert "mlp.up" in plain or form == "fragment"


def test_the_command_gives_the_answer_and_the_pages(run: Run, made: Path, tmp_path: Path) -> None:
    folders = [part for kind in KINDS for part in ("--siblings", made / "siblings" / kind)]
    pair = (made / "child", made / "parent", "--base", made / "base")
    result = run("beyond", *pair, *folders, "-o", tmp_path / "page")
    assert (result.status, result.err) == (0, "")
    assert "CLOSER THAN SIBLINGS" in result.out
    page = tmp_path / "page" / "report.json"
    assert BeyondReport.from_json(page).closeness == report(made, "child", "parent").closeness
    assert run("replay", page).status == 0
    others = [part for models in siblings(made).values() for path in models for part in ("--candidate", path)]
    given = ("--a", made / "child", "--b", made / "parent", "--base", made / "base", *others)
    assert run("replay", page, *given, "--require-models").status == 0
    assert run("render", page, "-o", tmp_path / "again", "--format", "html").status == 0
    assert (tmp_path / "again" / "report.html").read_text() == (tmp_path / "page" / "report.html").read_text()
    rows = "".join(f"{path},{kind}\n" for kind, models in siblings(made).items() for path in models)
    (tmp_path / "siblings.csv").write_text("model,kind\n" + rows)
    listed = run("beyond", *pair, "--siblings", tmp_path / "siblings.csv", "--fail-on", "shares_derivation", "--json")
    assert listed.status == 3
    assert json.loads(listed.out)["closeness"] == json.loads(page.read_text())["closeness"]
    check_refused(run("beyond", *pair, "--siblings", tmp_path / "none.csv"), "none.csv")
    check_refused(run("beyond", *pair, *folders[:2], *folders[:2]), "Two folders of siblings are named 'prose'")


def test_rows_for_a_data_frame(made: Path) -> None:
    found = report(made, "child", "parent")
    assert [row["name"] for row in found.to_dicts()][:2] == ["similarity", "cosine"]
    assert len(found.to_tensor_dicts()) == len(BASE)


def test_trained_models_that_come_with_the_library() -> None:
    """A child of the reference and its longer training: counted, since no siblings ship."""
    found = beyond(model("fine-tuned"), model("continued-3x"), model("reference"), created=CREATED)
    assert found.outcome == "counted"
    assert found.a.near is not None
    assert found.a.near > 0.9
    with pytest.raises(InputError, match="does not look like"):
        beyond(model("stranger-1"), model("fine-tuned"), model("reference"))
