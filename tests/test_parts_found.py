"""What one file holds is told apart: each part is read with its own section, and named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.checkpoints import Array, write_checkpoint
from tests.parts import CONFIG, WRAPPED, language, matrix, tower, write
from verify import test_lineage
from verify.checkpoint import Part, open_checkpoint
from verify.checkpoint.layouts.divide import divide
from verify.checkpoint.layouts.kinds import kind_of
from verify.checkpoint.layouts.understand import understood
from verify.fingerprint import fingerprint

AT = "model.vision_tower.vision_tower.vision_model"


def inventory(path: Path) -> dict[str, tuple[str, str]]:
    return {part.name: (part.kind, part.family) for part in open_checkpoint(path).parts}


# ---- what a file holds


def test_one_model_is_one_part_and_reads_as_before(tmp_path: Path) -> None:
    """Nothing else in the file: the part is the whole, and a report of two such models knows of no parts."""
    a = write(tmp_path / "a", language(0, ""), config=CONFIG)
    b = write(tmp_path / "b", language(1, ""), config=CONFIG)
    (part,) = open_checkpoint(a).parts
    tensors = language(0, "")
    assert part == Part(
        name="whole",
        kind="language model",
        family="llama",
        numbers=sum(t.size for t in tensors.values()),
        tensors=len(tensors),
    )
    made = fingerprint(a)
    assert made.parts == ()
    assert made.record.parts[0].sha256 == made.record.content_sha256
    report = test_lineage(a, b)
    assert (report.parts, report.a.parts, report.equal_tensors) == ((), (), None)
    assert report.finding.startswith("No evidence that A and B share")
    assert "Each model is one part" in report.to_markdown()


def test_every_part_is_read_with_its_own_section(tmp_path: Path) -> None:
    """Numbers of the wrapper's sections are those of its parts; the head may lie beside the wrapper."""
    text = {name.replace("language_model.model.", "model.text_model."): x for name, x in language(0).items()}
    text["lm_head.weight"] = text.pop("language_model.lm_head.weight")
    images = tower(0, "model.vision_model.")
    path = write(
        tmp_path, text, images, {"model.connector.proj.weight": np.ones((32, 16), np.float32)}, config=WRAPPED
    )
    main = open_checkpoint(path)
    (other,) = main.further()
    assert inventory(path) == {
        "model.text_model": ("language model", "llama"),
        "model.vision_model": ("image tower", "clip_vision"),
        "model.connector": ("projector", ""),
    }
    assert (main.architecture.model_type, main.architecture.positions) == ("llama", "rotary")
    assert (main.architecture.heads, main.architecture.kv_heads) == (4, 2)
    assert main.has("unembed")
    assert (other.architecture.model_type, other.architecture.heads) == ("clip_vision_model", 2)
    assert other.architecture.linear_values
    assert sum(part.numbers for part in main.parts) == sum(x.size for x in (text | images).values()) + 32 * 16


def test_numbers_of_the_wrapper_do_not_spoil_a_tower(tmp_path: Path) -> None:
    """A flat config.json speaks of the language model: a tower beside it is read without."""
    path = write(tmp_path, language(0, ""), tower(0, f"{AT}."), config=CONFIG | {"model_type": "llava"})
    assert inventory(path) == {"model": ("language model", "llama"), AT: ("image tower", "clip_vision")}
    assert open_checkpoint(path).architecture.heads == 4


def test_a_tower_that_does_not_hold_together_is_not_understood(tmp_path: Path) -> None:
    """Beside the main part, what a table claims and cannot read becomes a part that is not understood."""
    images = tower(0)
    del images["vision_tower.vision_model.encoder.layers.1.mlp.fc2.weight"]
    path = write(tmp_path, language(0), images, config=WRAPPED)
    assert inventory(path)["vision_tower"] == ("image tower", "")


def test_the_main_part_is_the_largest_and_no_copy(tmp_path: Path) -> None:
    """A copy of averages sorts before the weights and is as large."""
    path = write(tmp_path, language(0, ""), language(1, "ema_model."), config=CONFIG)
    assert open_checkpoint(path).part.name == "model"
    assert inventory(path)["ema_model.model"] == ("EMA copy", "llama")


def test_the_declared_table_reads_what_several_could(tmp_path: Path) -> None:
    """Of tables at one prefix, the one that the part's section names; else the one that understands most."""
    sandwich = {
        f"language_model.model.layers.{i}.{name}_feedforward_layernorm.weight": np.ones(32, np.float32)
        for i in range(2)
        for name in ("pre", "post")
    }
    for kind, family in (("gemma3_text", "gemma2"), ("unheard_of", "gemma2"), ("llama", "llama")):
        config = {"model_type": "wrapper", "text_config": CONFIG | {"model_type": kind}}
        path = write(tmp_path / kind, language(0) | sandwich, config=config)
        found = open_checkpoint(path).architecture
        assert found.family == family
        assert (found.positions == "unknown") == (kind == "unheard_of")


def test_drafts_heads_adapters_and_copies_are_named(tmp_path: Path) -> None:
    """What nothing understands is told by the words of its names, and costs the part beside it no test."""
    rng = np.random.default_rng(0)
    beside = {
        "mtp.layers.0.self_attn.q_proj.weight": matrix(rng, 8, 8),
        "model_ema.blocks.0.mlp.weight": matrix(rng, 8, 8),
        "adapters.0.attn.down.weight": matrix(rng, 8, 8),
        "audio_encoder.layers.0.attention.x.weight": matrix(rng, 8, 8),
        "first_stage_model.mid.attn.weight": matrix(rng, 8, 8),
        "score.weight": matrix(rng, 2, 32),
    }
    path = write(tmp_path / "a", language(0, ""), beside, config=CONFIG)
    other = write(tmp_path / "b", language(1, ""), config=CONFIG)
    assert {name: kind for name, (kind, family) in inventory(path).items() if not family} == {
        "mtp": "draft layers",
        "model_ema": "EMA copy",
        "adapters": "adapter",
        "audio_encoder": "audio tower",
        "first_stage_model": "autoencoder",
        "inside model": "other",
    }
    assert open_checkpoint(path).unrecognised == ("score.weight",)
    alone = write(tmp_path / "c", language(0, ""), config=CONFIG)
    inside = beside | {"model.layers.0.self_attn.strange.weight": matrix(rng, 8, 8)}
    disturbed = write(tmp_path / "d", language(0, ""), inside, config=CONFIG)
    found, expected, fewer = (
        {test.id for test in test_lineage(one, other).tests.values() if test.applicable}
        for one in (path, alone, disturbed)
    )
    assert found == expected
    assert expected - fewer >= {"value_identity", "rotary_phase"}


def test_an_encoder_with_its_decoder_is_one_part(tmp_path: Path) -> None:
    """Both stacks are of one table, which compares layers of either."""
    from tests.families import toy

    assert inventory(write_checkpoint(tmp_path, toy("t5"))) == {"whole": ("encoder and decoder", "t5")}


def test_what_no_table_understands_is_inferred_part_by_part(tmp_path: Path) -> None:
    """Two stacks of different shapes are two parts, not a refusal."""
    rng = np.random.default_rng(0)
    tensors: dict[str, Array] = {}
    for prefix, width, hidden in (("speech_net", 12, 20), ("text_net", 16, 28)):
        for i in range(2):
            at = f"{prefix}.stack.{i}."
            tensors |= {
                f"{at}lin1.weight": matrix(rng, hidden, width),
                f"{at}lin2.weight": matrix(rng, width, hidden),
            }
            tensors[f"{at}norm.weight"] = matrix(rng, width)
    found = inventory(write(tmp_path, tensors))
    assert {name: what for name, what in found.items() if what[1]} == {
        "text_net": ("language model", "inferred"),
        "speech_net": ("audio tower", "inferred"),
    }


# ---- hostile files
NAMES = st.lists(
    st.sampled_from(
        [
            "model",
            "vision",
            "layers",
            "0",
            "1",
            "ema",
            "mtp",
            "",
            "inside model",
            "beside",
            "weight",
            "whole",
            "no prefix",
        ]
    ),
    min_size=1,
    max_size=6,
).map(".".join)


@settings(max_examples=40, deadline=None)
@given(st.sets(NAMES, max_size=12))
def test_every_tensor_is_in_one_part(names: set[str]) -> None:
    """Whatever they are called; parts have different names and count every number once."""
    shapes: dict[str, tuple[int, ...]] = {name: x.shape for name, x in language(0, "").items()}
    shapes |= dict.fromkeys(names, (3, 5))
    division = divide(understood("m", shapes, CONFIG), shapes)
    assert len({part.name for part in division.parts}) == len(division.parts)
    assert sum(part.tensors for part in division.parts) == len(shapes)
    assert sum(part.numbers for part in division.parts) == sum(int(np.prod(shape)) for shape in shapes.values())
    held = [name for names in division.groups.values() for name in names]
    assert len(held) == len(set(held))


def test_kinds_by_words() -> None:
    """A word before any number tells, the first that does; others are named by how they begin."""
    assert kind_of("model.mm_projector.0.weight") == ("projector", "model.mm_projector")
    assert kind_of("model.layers.0.vision.weight") == (None, "model.layers")
    assert kind_of("net.blocks.0.weight") == (None, "net")
    assert kind_of("bias") == (None, "no prefix")
