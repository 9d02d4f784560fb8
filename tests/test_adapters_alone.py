"""A LoRA without its base is compared by the order of its rank channels, and only where chance alone ordered them."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tests.adapters import adapter
from tests.checkpoints import Array
from tests.models import child, config, weights, write
from verify import (
    CheckpointError,
    FingerprintError,
    Location,
    VerifyError,
    fingerprint,
    open_checkpoint,
    replay,
    screen,
    test_lineage,
)
from verify.checkpoint.adapters import alone
from verify.fingerprint import Fingerprint
from verify.inference import log10_p_fixed_points

LAYERS, WIDTH, OUT = 6, 48, 24
PLACES = [(layer, name) for layer in range(LAYERS) for name in ("q_proj", "v_proj")]


def factors(seed: int, rank: int = 8, far: float = 0.3, start: int | None = None, text: int = 0) -> dict[str, Array]:
    """A and B of each module, as training leaves them: A near its start, B as the texts of many adapters make it."""
    rng, first = np.random.default_rng(seed), np.random.default_rng(seed if start is None else start)
    common = np.random.default_rng(10**6 + text)
    tensors: dict[str, Array] = {}
    for layer, name in PLACES:
        a = first.uniform(-1, 1, (rank, WIDTH))
        read, written = common.standard_normal((2, WIDTH)), common.standard_normal((2, OUT))
        a += far * rng.standard_normal((rank, 2)) @ read
        b = (a @ read.T / WIDTH + far * rng.standard_normal((rank, 2))) @ written
        at = f"model.layers.{layer}.self_attn.{name}"
        tensors[f"{at}.lora_A.weight"], tensors[f"{at}.lora_B.weight"] = a.astype("f4"), b.T.astype("f4", order="C")
    return tensors


def made(tmp_path: Path, name: str, tensors: dict[str, Array], rank: int = 8) -> Path:
    """An adapter in a folder."""
    return adapter(tmp_path / name, tensors, r=rank)


def log10_p(a: Path | Fingerprint, b: Path | Fingerprint) -> float:
    """Of the one test that applies."""
    report = test_lineage(a, b)
    (one,) = (test for test in report.exact if test.applicable)
    assert one.id == "unit_identity"
    return one.log10_p


def test_it_is_a_model_of_rank_channels(tmp_path: Path) -> None:
    """Of the modules of the most frequent size; everything else is understood and compared by no test."""
    tensors = factors(0)
    wide = {
        f"model.layers.0.mlp.down_proj.lora_{x}.weight": np.ones(s, "f4") for x, s in (("A", (8, 96)), ("B", (48, 8)))
    }
    checkpoint = open_checkpoint(made(tmp_path, "a", tensors | wide | {"score.weight": np.ones((2, WIDTH), "f4")}))
    shape = checkpoint.architecture
    assert (shape.family, shape.layers, shape.width, shape.hidden, shape.vocab) == ("lora", 2 * LAYERS, WIDTH, 8, 0)
    assert checkpoint.part.kind == "adapter"
    assert not checkpoint.unrecognised
    first = tensors["model.layers.0.self_attn.q_proj.lora_A.weight"]
    assert np.array_equal(checkpoint.read("up", 0), first)
    assert np.array_equal(checkpoint.read("down", 0), first.T)


def test_a_report_speaks_of_what_adapters_have(tmp_path: Path) -> None:
    """Of rank channels, not of neurons, heads or tokens; modules that were not compared are listed."""
    wide = {
        f"model.layers.0.mlp.down_proj.lora_{x}.weight": np.ones(s, "f4") for x, s in (("A", (8, 96)), ("B", (48, 8)))
    }
    a, b = made(tmp_path, "a", factors(0) | wide), made(tmp_path, "b", factors(1, start=0, text=1) | wide)
    report = test_lineage(a, b)
    page = report.to_markdown()
    assert "rank channels (by the rows of A)" in page
    for word in ("Neurons", "neurons", "attention heads of", "token embedding", "MLP"):
        assert word not in page
    assert any("layers.*.mlp.down_proj' (1)" in line for line in report.limitations)
    assert replay(report).agrees


def test_numbers_that_are_not_finite_are_said_among_the_limits(tmp_path: Path) -> None:
    """Not in an appendix alone."""
    tensors = factors(0)
    next(iter(tensors.values()))[0, 0] = np.nan
    report = test_lineage(made(tmp_path, "a", tensors), made(tmp_path, "b", factors(1)))
    assert any("of the numbers of" in line and "not finite" in line for line in report.limitations), (
        report.limitations
    )


def test_modules_are_numbered_as_in_the_model() -> None:
    """The tenth after the second."""
    names = ["m.10.q_proj", "m.2.v_proj", "m.2.q_proj"]
    tensors = {f"{name}.lora_{x}.weight": np.ones((1, 1)) for name in names for x in "AB"}
    assert sorted((name.rpartition(".lora")[0] for name in tensors if "A" in name), key=alone._numbered) == [
        "m.2.q_proj",
        "m.2.v_proj",
        "m.10.q_proj",
    ]


@pytest.mark.parametrize("rank", [4, 8, 16])
def test_a_common_start_is_found(tmp_path: Path, rank: int) -> None:
    """Of adapters trained on other texts, and of one trained on; the report says what it cannot tell."""
    a = made(tmp_path, "a", factors(0, rank), rank)
    report = test_lineage(a, made(tmp_path, "b", factors(1, rank, start=0, text=1), rank))
    assert report.verdict == "dependent"
    assert any("one default seed" in line for line in report.limitations)
    assert report.answer.word == "RELATED, PERHAPS BY A COMMON SEED ALONE"
    assert "one default seed" in report.answer.sentence
    assert replay(report).agrees
    assert test_lineage(a, a).verdict == "identical"


def test_strangers_on_one_text_are_not_related(tmp_path: Path) -> None:
    """Their p-values are those of no relation, of equal and of other ranks: at most as often small as they say."""
    ranks = [4, 8, 16] * 5
    models = [fingerprint(made(tmp_path, f"{i}", factors(i, rank, far=2.0), rank)) for i, rank in enumerate(ranks)]
    found = [log10_p(a, b) for i, a in enumerate(models) for b in models[:i]]
    assert len(found) == 105
    for level in (0.05, 0.2):
        small = sum(p <= np.log10(level) for p in found)
        assert stats.binom.sf(small - 1, len(found), level) > 1e-3
    assert min(found) > -3


@pytest.mark.parametrize("ranks", [(4, 4), (3, 9), (4, 4, 4)])
def test_stacked_adapters_are_refused(tmp_path: Path, ranks: tuple[int, ...]) -> None:
    """Their channels stand in the order of the texts; strangers who stack the same texts would match."""
    rank, folders = sum(ranks), []
    for i in range(5):
        parts = [factors(10 * i + t, r, far=3.0, text=t) for t, r in enumerate(ranks)]
        stacked = {name: np.concatenate([x[name] for x in parts], axis=int("lora_B" in name)) for name in parts[0]}
        folders.append(made(tmp_path, f"{i}", stacked, rank))
        with pytest.raises(CheckpointError, match="more alike the nearer they stand"):
            open_checkpoint(folders[-1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alone, "_arranged", lambda _: None)
        models = [fingerprint(folder) for folder in folders]
        assert min(log10_p(a, b) for i, a in enumerate(models) for b in models[:i]) < -2


def test_equal_a_and_other_b_are_not_identical(tmp_path: Path) -> None:
    """Every number is in the digest, though only A is compared."""
    other = {name: x * (2 if "lora_B" in name else 1) for name, x in factors(0).items()}
    a, b = made(tmp_path, "a", factors(0)), made(tmp_path, "b", other)
    assert test_lineage(a, b).verdict == "dependent"


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_few_channels_need_the_base(tmp_path: Path, rank: int) -> None:
    """Among so few no order can be seen, such as that of adapters of rank 1 stacked in the order of their texts."""
    with pytest.raises(CheckpointError, match=f"of rank {rank}; expected at least 4"):
        open_checkpoint(made(tmp_path, "a", factors(0, rank), rank))


def test_untrained_and_empty_factors(tmp_path: Path) -> None:
    """B of zeros says nothing; channels of zeros, and equal ones, match nothing."""
    first, second = factors(0), factors(1)
    for name in first:
        if "lora_B" in name:
            first[name][:] = 0
        else:
            second[name][:] = second[name][0]
    assert log10_p(made(tmp_path, "a", first), made(tmp_path, "b", second)) == 0
    for name, x in first.items():
        x[:] = 0 if "lora_A" in name else x
    nothing = test_lineage(made(tmp_path, "c", first), made(tmp_path, "d", factors(3)))
    assert nothing.verdict in ("no_evidence", "untestable")


def test_signalling_nans_are_read_without_a_warning(tmp_path: Path) -> None:
    """In factors of half precision too, which are converted before anything is computed."""
    tensors = {name: x.astype(np.float16) for name, x in factors(0).items()}
    next(iter(tensors.values())).view(np.uint16)[0, 0] = 0x7C01
    assert open_checkpoint(made(tmp_path, "a", tensors)).architecture.family == "lora"


def test_the_check_of_order_holds_the_factors_of_one_module(tmp_path: Path) -> None:
    """Of 64 modules that are looked at, whatever their size."""
    rng, rank, wide = np.random.default_rng(0), 32, 2048
    tensors = {
        f"model.layers.{n}.self_attn.q_proj.lora_{part}.weight": rng.standard_normal(shape).astype(np.float16)
        for n in range(64)
        for part, shape in (("A", (rank, wide)), ("B", (wide, rank)))
    }
    folder = made(tmp_path, "a", tensors, rank)
    tracemalloc.start()
    try:
        open_checkpoint(folder)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


# ---- orders that are not of chance


def by_singular_values(seed: int, unit: bool) -> dict[str, Array]:
    """Factors of a change that shares its largest directions with that of every other model of its base."""
    rng, common = np.random.default_rng(seed), np.random.default_rng(99)
    tensors: dict[str, Array] = {}
    for layer, name in PLACES:
        shared = sum(2.0**-k * np.outer(common.standard_normal(OUT), common.standard_normal(WIDTH)) for k in range(8))
        u, s, v = np.linalg.svd(shared + 0.01 * rng.standard_normal((OUT, WIDTH)), full_matrices=False)
        a = v[:8] if unit else np.sqrt(s[:8, None]) * v[:8]
        at = f"model.layers.{layer}.self_attn.{name}"
        b = u[:, :8] * (s[:8] if unit else np.sqrt(s[:8]))
        tensors[f"{at}.lora_A.weight"], tensors[f"{at}.lora_B.weight"] = a.astype("f4"), b.astype("f4")
    return tensors


def shuffled(tensors: dict[str, Array]) -> dict[str, Array]:
    """The channels of each module in one order for all adapters."""
    order = np.random.default_rng(5).permutation(8)
    return {name: x[order] if "lora_A" in name else x[:, order] for name, x in tensors.items()}


def converted(tensors: dict[str, Array]) -> dict[str, Array]:
    """Beside each factor the one that training began with, as PEFT converts PiSSA."""
    rng = np.random.default_rng(8)
    return {
        name: np.concatenate(
            [x + 0.05 * rng.standard_normal(x.shape).astype("f4") * np.abs(x).mean(), x], axis=int("lora_B" in name)
        )
        for name, x in tensors.items()
    }


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda t: t, "in order of length"),
        (shuffled, "at right angles"),
        (lambda t: converted(shuffled(t)), "repeat"),
        (converted, "in order of length"),
    ],
)
@pytest.mark.parametrize("unit", [False, True])
def test_orders_made_from_a_base_are_refused(tmp_path: Path, change, why: str, unit: bool) -> None:  # type: ignore[no-untyped-def]
    """By their numbers, whatever the settings say; with them, strangers would match."""
    folders = []
    for seed in (1, 2):
        tensors = change(by_singular_values(seed, unit))
        rank = len(tensors["model.layers.0.self_attn.q_proj.lora_A.weight"])
        folders.append(made(tmp_path, f"{seed}", tensors, rank))
        with pytest.raises(CheckpointError, match=why):
            open_checkpoint(folders[-1])
    if rank == 8:  # else every channel has two likenesses, and none is matched
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(alone, "_arranged", lambda _: None)
            assert log10_p(*folders) < -10


def test_numbers_that_are_not_finite_hide_no_order(tmp_path: Path) -> None:
    """One in each factor, and the other channels are still in the order that a base gave them."""
    tensors = by_singular_values(1, False)
    for name, x in tensors.items():
        x[(3, 0) if "lora_A" in name else (0, 3)] = np.nan
    rank = len(tensors["model.layers.0.self_attn.q_proj.lora_A.weight"])
    with pytest.raises(CheckpointError, match="in order of length"):
        open_checkpoint(made(tmp_path, "nan", tensors, rank))


@pytest.mark.parametrize("rank", [2, 4])
def test_few_converted_channels_are_recognised(rank: int) -> None:
    """In four modules, where a count of them is no surprise."""
    rng, pairs = np.random.default_rng(0), []
    for _ in range(4):
        first = rng.standard_normal((rank, WIDTH))
        both = np.concatenate([first + 0.1 * rng.standard_normal(first.shape), first])
        pairs.append((Whole(both), Whole(rng.standard_normal((OUT, 2 * rank)))))
    assert alone._arranged(pairs) == "repeat those of their first half"  # type: ignore[arg-type]


def test_the_check_of_order_is_seldom_wrong() -> None:
    """Of adapters whose rows are exchangeable, however far they were trained."""
    refused = 0
    for seed in range(150):
        tensors = list(factors(seed, far=[0.0, 0.3, 3.0][seed % 3]).values())
        pairs = [(Whole(a), Whole(b)) for a, b in zip(tensors[::2], tensors[1::2], strict=True)]
        refused += alone._arranged(pairs) is not None  # type: ignore[arg-type]
    assert refused <= 1


class Whole:
    """A tensor in memory."""

    def __init__(self, x: Array) -> None:
        self.x = x

    def read(self) -> Array:
        """All of it."""
        return self.x


@pytest.mark.parametrize("start", ["pissa", "olora", "eva", "orthogonal", "loftq", "lora_ga", "corda", 3])
def test_declared_starts_from_a_base_need_the_base(tmp_path: Path, start: object) -> None:
    """Also those that merge."""
    folder = adapter(tmp_path / "a", factors(0), r=8, init_lora_weights=start)
    with pytest.raises(CheckpointError, match=r"init_lora_weights|--base"):
        open_checkpoint(folder)


@pytest.mark.parametrize("kind", ["ADALORA", "LOHA", "IA3"])
def test_other_kinds_need_the_base(tmp_path: Path, kind: str) -> None:
    """Since they have no rank channels in an order of chance."""
    with pytest.raises(CheckpointError, match=f"{kind}"):
        open_checkpoint(adapter(tmp_path / "a", factors(0), r=8, peft_type=kind))


def test_a_whole_model_is_not_compared_with_an_adapter(tmp_path: Path) -> None:
    """The base is asked for, of A and of B; a fingerprint of either says the same."""
    lora, c = made(tmp_path, "lora", factors(0)), config()
    whole = write(tmp_path / "whole", weights(0, c), c)
    for pair in ((lora, whole), (whole, lora), (fingerprint(lora), fingerprint(whole))):
        with pytest.raises(FingerprintError, match=r"lora is an adapter.*--base-a"):
            test_lineage(*pair)


@pytest.mark.parametrize("given", [{"layout": "llama"}, {"declare": "rms"}, {"part": "text"}, {"tokenizer": "t"}])
def test_what_is_said_of_whole_models_is_refused(tmp_path: Path, given: dict[str, str]) -> None:
    """Rather than recorded and not used."""
    with pytest.raises(CheckpointError, match=f"and a {next(iter(given))} is given; leave it out"):
        open_checkpoint(Location(str(made(tmp_path, "lora", factors(0))), **given))


def test_a_panel_holds_whole_models(tmp_path: Path) -> None:
    """Among which a pair of adapters has no rank."""
    a, b = (made(tmp_path, f"{i}", factors(i)) for i in range(2))
    with pytest.raises(VerifyError, match="0 is an adapter without its base, and a panel holds whole models"):
        test_lineage(a, b, panel="default")


def test_a_screen_says_what_adapters_share(tmp_path: Path) -> None:
    """In its first line if all families are of adapters, else in one of its lines, and never of whole models."""
    loras = [made(tmp_path, "a", factors(0)), made(tmp_path, "b", factors(1, start=0, text=1))]
    c = config()
    parent = weights(0, c)
    whole = [write(tmp_path / f"whole-{i}", child(parent, i), c) for i in range(2)]
    for models, ends, said in (
        (loras, "MODELS, PERHAPS BY A COMMON SEED ALONE", "1 of 1 family, of adapters without their bases."),
        (whole, "MODELS", None),
        (loras + whole, "MODELS", "1 of 2 families, of adapters without their bases."),
    ):
        found = screen(models).answer
        assert found.word.endswith(ends)
        line = dict(found.lines).get("Of adapters")
        assert line is None if said is None else str(line).startswith(said)


def test_counts_of_all_channels() -> None:
    """What a common start reaches: every channel of every module."""
    assert log10_p_fixed_points(8 * len(PLACES), len(PLACES)) < -20
