"""A LoRA in GGUF is the adapter that llama.cpp's converter was given: merged onto its base, and alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from tests.adapters import adapter, draw
from tests.checkpoints import Array, toy, write_checkpoint
from tests.converted import LLAMA_NAMES, converted, renamed, side_by_side, write_gguf
from tests.test_adapters_alone import factors
from verify import CheckpointError, UnsupportedError, open_checkpoint, test_lineage
from verify.checkpoint import Location

LAYER = "model.layers.0"
SIZES = {"self_attn.q_proj": (16, 16), "self_attn.k_proj": (8, 16), "mlp.down_proj": (16, 20)}


def lora(rank: int = 2, sizes: dict[str, tuple[int, int]] = SIZES) -> dict[str, Array]:
    """Factors under the names of PEFT, without its prefix."""
    return {
        f"{LAYER}.{module}.lora_{side}.weight": draw(*shape, seed=i)
        for i, (module, (out, into)) in enumerate(sizes.items())
        for side, shape in (("A", (rank, into)), ("B", (out, rank)))
    }


def as_converted(tensors: dict[str, Array], heads: dict[str, int] | None = None) -> dict[str, Array]:
    """Names and orders of llama.cpp's converter."""
    found = {}
    for name, x in tensors.items():
        module, _, side = name.removesuffix(".weight").rpartition(".lora_")
        stored = renamed(f"{module}.weight", LLAMA_NAMES)
        part = stored.split(".")[-2]
        if heads and side == "B" and part in heads:
            x = side_by_side(x, heads[part])
        found[f"{stored}.lora_{side.lower()}"] = x
    return found


def written(
    path: Path, tensors: dict[str, Array], alpha: float | None = 6.0, architecture: str = "llama", **said: Any
) -> Path:
    """A file as the converter writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_type("adapter")
    for key, value in ({"adapter.type": "lora"} | said).items():
        writer.add_string(key, value) if isinstance(value, str) else writer.add_array(key, value)
    if alpha is not None:
        writer.add_float32("adapter.lora.alpha", alpha)
    for name, x in tensors.items():
        writer.add_tensor(name, np.ascontiguousarray(x))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


OF_TOY = {"attn_q": toy().config["num_attention_heads"], "attn_k": toy().config["num_key_value_heads"]}


@pytest.mark.parametrize("base", ["safetensors", "GGUF"])
@pytest.mark.parametrize("alpha", [6.0, 0.0, None])
def test_it_merges_as_the_adapter_that_was_converted(tmp_path: Path, base: str, alpha: float | None) -> None:
    """Rows of q and k are put back in order by the heads of the base; alpha 0 stands for the rank."""
    model, tensors = toy(), lora()
    under = write_checkpoint(tmp_path / "base", model)
    if base == "GGUF":
        under = write_gguf(tmp_path / "base.gguf", converted(model, "llama"), "llama", model.config)
    file = written(tmp_path / "lora.gguf", as_converted(tensors, OF_TOY), alpha)
    kept = adapter(tmp_path / "peft", tensors, lora_alpha=alpha or 2)
    found, expected = (open_checkpoint(Location(str(one), base=str(under))) for one in (file, kept))
    for role, layer, expert in model.canonical:
        assert np.array_equal(found.read(role, layer, expert), expected.read(role, layer, expert)), role
    assert not np.array_equal(found.read("k", 0), open_checkpoint(under).read("k", 0))


def test_each_module_has_its_own_rank(tmp_path: Path) -> None:
    """By which alpha is divided."""
    tensors = lora(2) | lora(3, {"mlp.down_proj": (16, 20)})
    base = write_checkpoint(tmp_path / "base", toy())
    file = written(tmp_path / "lora.gguf", as_converted(tensors, OF_TOY))
    found = open_checkpoint(Location(str(file), base=str(base)))
    a, b = (tensors[f"{LAYER}.mlp.down_proj.lora_{side}.weight"] for side in "AB")
    expected = toy().canonical["down", 0, None] + 2 * b @ a
    np.testing.assert_allclose(found.read("down", 0), expected, rtol=1e-4, atol=1e-5)


def test_embeddings_and_experts(tmp_path: Path) -> None:
    """The first factor of embeddings is stored transposed; a stack holds one of each expert."""
    a, b, model = draw(2, 30), draw(16, 2, seed=1), toy()
    base = write_checkpoint(tmp_path / "base", model)
    file = written(tmp_path / "lora.gguf", {"token_embd.weight.lora_a": a.T, "token_embd.weight.lora_b": b})
    found = open_checkpoint(Location(str(file), base=str(base))).read("embed")
    np.testing.assert_allclose(found, model.canonical["embed", None, None] + 3 * (b @ a).T, rtol=1e-4, atol=1e-5)
    model = toy("qwen2_moe")
    base = write_checkpoint(tmp_path / "mixture", model)
    up = model.canonical["expert_up", 0, 1]
    experts = sum(role == "expert_up" and layer == 0 for role, layer, _ in model.canonical)
    a, b = draw(experts, 2, up.shape[1]), draw(experts, up.shape[0], 2, seed=1)
    stacked = {"blk.0.ffn_up_exps.weight.lora_a": a, "blk.0.ffn_up_exps.weight.lora_b": b}
    file = written(tmp_path / "experts.gguf", stacked, architecture="qwen2moe")
    found = open_checkpoint(Location(str(file), base=str(base))).read("expert_up", 0, 1)
    np.testing.assert_allclose(found, up + 3 * b[1] @ a[1], rtol=1e-4, atol=1e-5)


def test_two_without_their_bases_are_compared(tmp_path: Path) -> None:
    """By their rank channels, in either format; of other numbers they are strangers."""
    folders = [adapter(tmp_path / f"{i}", factors(i), r=8) for i in range(2)]
    files = [written(tmp_path / f"{i}.gguf", as_converted(factors(i))) for i in range(2)]
    assert test_lineage(files[0], folders[0]).verdict in ("dependent", "identical")
    assert test_lineage(*files).verdict == "no_evidence"
    trained = written(tmp_path / "on.gguf", as_converted(factors(2, start=0, text=1)))
    assert test_lineage(trained, files[0]).verdict == "dependent"


def test_it_says_its_base(tmp_path: Path) -> None:
    """Where the file tells it; and a base is asked for where there are few channels."""
    said = {"general.base_model.0.repo_url": "https://huggingface.co/org/base"}
    file = written(tmp_path / "lora.gguf", as_converted(lora(), OF_TOY), **said)
    base = write_checkpoint(tmp_path / "base", toy())
    merged = open_checkpoint(Location(str(file), base=str(base)))
    assert merged.merged_onto == "base"
    assert merged.declared_bases == ("org/base",)
    with pytest.raises(UnsupportedError, match="of rank 2; expected at least 4"):
        open_checkpoint(file)


@pytest.mark.parametrize(
    ("tensors", "changes", "expected"),
    [
        (lora(), {"adapter.type": "control"}, "of the type 'control'; expected 'lora'"),
        (lora(), {"architecture": "rwkv7"}, "architecture 'rwkv7'"),
        (lora(), {"alpha": float("nan")}, "adapter.lora.alpha as nan"),
        (lora(), {"adapter.alora.invocation_tokens": [1, 2]}, "from a certain token of the input on"),
        ({"blk.0.attn_norm.weight": draw(16)}, {}, "which is not understood"),
        ({"blk.0.other.weight.lora_a": draw(2, 16)}, {}, "which is not understood"),
        ({"blk.0.attn_q.weight.lora_a": draw(2, 2, 16)}, {}, "which is not understood"),
        ({"blk.0.attn_q.weight.lora_a": draw(2, 16)}, {}, "expected one A and one B"),
        (lora(sizes={"mlp.up_proj": (12, 16)}), {}, "does not fit"),
        (lora(sizes={"self_attn.k_proj": (7, 16)}), {}, "expected pairs of rows"),
    ],
)
def test_others_are_refused(
    tmp_path: Path, tensors: dict[str, Array], changes: dict[str, Any], expected: str
) -> None:
    """In a sentence."""
    stored = tensors if next(iter(tensors)).startswith("blk") else as_converted(tensors)
    file = written(tmp_path / "lora.gguf", stored, **changes)
    base = write_checkpoint(tmp_path / "base", toy())
    with pytest.raises(CheckpointError, match=re.escape(expected)):
        open_checkpoint(Location(str(file), base=str(base)))
