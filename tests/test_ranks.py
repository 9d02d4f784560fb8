"""Ranks of tensor parallelism as vLLM and SGLang save them are joined to the model that they were loaded from."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from tests.checkpoints import Array, Toy, raw_safetensors, write_checkpoint
from verify.base import CheckpointError
from verify.checkpoint import open_checkpoint
from verify.checkpoint.formats.tensor import Tensor
from verify.checkpoint.opening import contents
from verify.fingerprint import fingerprint

WIDTH, HEADS, SIZE, HIDDEN, VOCAB = 32, 8, 4, 48, 200
CONFIG: dict[str, Any] = {
    "model_type": "qwen2",
    "hidden_size": WIDTH,
    "intermediate_size": HIDDEN,
    "num_hidden_layers": 2,
    "num_attention_heads": HEADS,
    "num_key_value_heads": 2,
    "vocab_size": VOCAB,
    "tie_word_embeddings": False,
}


def model(kv_heads: int = 2, *, biased: bool = False, tied: bool = False, normed: bool = False) -> Toy:
    """A model under the names of the Hub."""
    rng = np.random.default_rng(0)
    found: dict[str, Array] = {"model.embed_tokens.weight": rng.normal(size=(VOCAB, WIDTH))}
    for i in range(2):
        at = f"model.layers.{i}."
        rows = {"q": HEADS * SIZE, "k": kv_heads * SIZE, "v": kv_heads * SIZE}
        for role, size in rows.items():
            found[f"{at}self_attn.{role}_proj.weight"] = rng.normal(size=(size, WIDTH))
            if biased:
                found[f"{at}self_attn.{role}_proj.bias"] = rng.normal(size=size)
        if normed:
            found |= {f"{at}self_attn.{role}_norm.weight": rng.normal(size=SIZE) for role in "qk"}
        found[f"{at}self_attn.o_proj.weight"] = rng.normal(size=(WIDTH, HEADS * SIZE))
        found |= {f"{at}mlp.{role}_proj.weight": rng.normal(size=(HIDDEN, WIDTH)) for role in ("gate", "up")}
        found[f"{at}mlp.down_proj.weight"] = rng.normal(size=(WIDTH, HIDDEN))
        found |= {f"{at}{norm}_layernorm.weight": rng.normal(size=WIDTH) for norm in ("input", "post_attention")}
    found["model.norm.weight"] = rng.normal(size=WIDTH)
    if not tied:
        found["lm_head.weight"] = rng.normal(size=(VOCAB, WIDTH))
    tensors = {name: value.astype(np.float32) for name, value in found.items()}
    return Toy(tensors, CONFIG | {"num_key_value_heads": kv_heads, "tie_word_embeddings": tied}, {})


def ranks(toy: Toy, number: int) -> list[dict[str, Array]]:
    """What each rank holds: the loaders of vLLM's parallel layers, row by row."""
    kv_heads = toy.config["num_key_value_heads"]
    out: list[dict[str, Array]] = []
    for rank in range(number):
        one: dict[str, Array] = {}
        for name, value in toy.tensors.items():
            if "embed_tokens" in name or "lm_head" in name:
                padded = np.zeros((-(-VOCAB // 64) * 64, WIDTH), np.float32)
                padded[:VOCAB] = value
                one[name] = np.split(padded, number)[rank]
            elif match := re.search(r"(.*)self_attn\.q_proj\.(\w+)$", name):
                at, kind = match.groups()
                pieces = [np.split(value, number)[rank]]
                for role in "kv":
                    heads = np.split(toy.tensors[f"{at}self_attn.{role}_proj.{kind}"], kv_heads)
                    each = max(1, kv_heads // number)
                    first = rank * kv_heads // number
                    pieces += heads[first : first + each]
                one[f"{at}self_attn.qkv_proj.{kind}"] = np.concatenate(pieces)
            elif "gate_proj" in name:
                both = (value, toy.tensors[name.replace("gate", "up")])
                one[name.replace("gate", "gate_up")] = np.concatenate([np.split(x, number)[rank] for x in both])
            elif "o_proj" in name or "down_proj" in name:
                one[name] = np.split(value, number, axis=1)[rank]
            elif not re.search(r"(k|v|up)_proj", name):
                one[name] = value
        for i in range(2):  # buffers of vLLM's attention
            one |= {
                f"model.layers.{i}.self_attn.attn._{x}_scale": np.ones((), np.float32) for x in ("q", "k", "prob")
            }
        if "lm_head.weight" not in one:
            one["lm_head.weight"] = one.pop("model.embed_tokens.weight")
        out.append(one)
    return out


def write(folder: Path, held: list[dict[str, Array]], config: dict[str, Any], parts: int = 1) -> Path:
    """A folder as ``save_sharded_state`` leaves it, beside ``config.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    for rank, tensors in enumerate(held):
        names = list(tensors)
        for part in range(parts):
            own = {name: np.ascontiguousarray(tensors[name]) for name in names[part::parts]}
            save_file(own, folder / f"model-rank-{rank}-part-{part}.safetensors")
    return folder


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("number", [1, 2, 4, 8])
@pytest.mark.parametrize("kind", [{}, {"biased": True}, {"tied": True}, {"kv_heads": 4}, {"kv_heads": 8}])
def test_ranks_are_the_model_that_they_were_made_of(
    tmp_path: Path, kind: dict[str, Any], number: int, parts: int
) -> None:
    """Tensor by tensor, also where ranks share key-value heads, and without the padding of the vocabulary."""
    toy = model(**kind)
    whole = write_checkpoint(tmp_path / "whole", toy)
    folder = write(tmp_path / "ranks", ranks(toy, number), toy.config, parts)
    here, there = open_checkpoint(whole), open_checkpoint(folder)
    for layer in (None, 0, 1):
        assert here.keys(layer) == there.keys(layer)
        for key in here.keys(layer):
            np.testing.assert_array_equal(here.read(*key), there.read(*key))
    assert (there.architecture, there.unrecognised, there.outside) == (here.architecture, (), ())
    made, read = fingerprint(whole).record, fingerprint(folder).record
    assert (made.content_sha256, len(read.files)) == (read.content_sha256, number * parts)


def test_norms_of_heads_are_in_every_rank(tmp_path: Path) -> None:
    """Unless a rank holds a single head, so that a share of a norm of all channels would have the same shape."""
    toy = model(normed=True).configured(model_type="qwen3", head_dim=SIZE)
    whole = open_checkpoint(write_checkpoint(tmp_path / "whole", toy))
    read = open_checkpoint(write(tmp_path / "two", ranks(toy, 2), toy.config))
    for role in ("q_norm", "k_norm"):
        np.testing.assert_array_equal(read.read(role, 1), whole.read(role, 1))
    with pytest.raises(CheckpointError, match=r"8 ranks .* certain how '.*_norm\.weight'"):
        open_checkpoint(write(tmp_path / "eight", ranks(toy, 8), toy.config))


def test_what_the_hub_keeps_in_one_tensor_stays_in_one(tmp_path: Path) -> None:
    """Phi-3, whose own files hold q, k and v in one tensor, and gate and up."""
    toy = model().configured(model_type="phi3")
    own: dict[str, Array] = {}
    for name, value in toy.tensors.items():
        at = name.rpartition("self_attn.q_proj")[0]
        if "q_proj" in name:
            own[f"{at}self_attn.qkv_proj.weight"] = np.concatenate(
                [toy.tensors[f"{at}self_attn.{role}_proj.weight"] for role in "qkv"]
            )
        elif "gate_proj" in name:
            own[name.replace("gate", "gate_up")] = np.concatenate([value, toy.tensors[name.replace("gate", "up")]])
        elif not re.search(r"\.(k|v|up)_proj", name):
            own[name] = value
    whole = fingerprint(write_checkpoint(tmp_path / "whole", Toy(own, toy.config, {}))).record
    for number in (1, 2, 4):
        read = fingerprint(write(tmp_path / f"{number}", ranks(toy, number), toy.config)).record
        assert read.content_sha256 == whole.content_sha256


@pytest.mark.parametrize(
    "change",
    [
        {"num_attention_heads": 16, "head_dim": 4},
        {"num_key_value_heads": 4},
        {"num_key_value_heads": 3},
        {"intermediate_size": 96},
        {"intermediate_size": None},
        {"hidden_size": 16},
        {"vocab_size": 100},
        {"vocab_size": 300},
        {"vocab_size": None},
    ],
)
def test_sizes_that_do_not_confirm_the_shares_are_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    """Attention that was not shared out as the settings say, or the settings of another model."""
    toy = model()
    with pytest.raises(CheckpointError, match=r"do not make it certain how '.*' of shape .* give the whole model"):
        open_checkpoint(write(tmp_path, ranks(toy, 2), toy.configured(**change).config))


def test_ranks_that_are_not_of_one_model_are_refused(tmp_path: Path) -> None:
    """A rank that is missing or alone, a name that nobody knows, other shapes, a tensor stored twice."""
    toy = model()
    held = ranks(toy, 2)
    alone = write(tmp_path / "alone", held[:1], toy.config)
    with pytest.raises(CheckpointError, match="holds one rank of tensor parallelism"):
        open_checkpoint(alone)
    with pytest.raises(CheckpointError, match="holds one rank of tensor parallelism"):
        open_checkpoint(write(tmp_path / "given", held, toy.config) / "model-rank-0-part-0.safetensors")
    missing = write(tmp_path / "missing", ranks(toy, 4), toy.config)
    (missing / "model-rank-1-part-0.safetensors").unlink()
    with pytest.raises(CheckpointError, match="none of them is number 1"):
        open_checkpoint(missing)
    strange = [rank | {"model.layers.0.mlp.experts.w13_weight": np.ones((2, 2, 2), np.float32)} for rank in held]
    with pytest.raises(CheckpointError, match=r"2 ranks .* 'model\.layers\.0\.mlp\.experts\.w13_weight' of"):
        open_checkpoint(write(tmp_path / "strange", strange, toy.config))
    norm = {"model.norm.weight": np.ones(WIDTH // 2, np.float32)}
    with pytest.raises(CheckpointError, match="do not all have"):
        open_checkpoint(write(tmp_path / "shape", [held[0], held[1] | norm], toy.config))
    lacking = {name: value for name, value in held[0].items() if name not in norm}
    with pytest.raises(CheckpointError, match="do not all have"):
        open_checkpoint(write(tmp_path / "lacking", [lacking, held[1]], toy.config))
    twice = write(tmp_path / "twice", held, toy.config)
    first = load_file(twice / "model-rank-0-part-0.safetensors")
    save_file({"model.norm.weight": first["model.norm.weight"]}, twice / "model-rank-0-part-1.safetensors")
    with pytest.raises(CheckpointError, match="is in both"):
        open_checkpoint(twice)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "model-rank-0-part-0.safetensors").write_bytes(raw_safetensors({}, b""))
    with pytest.raises(CheckpointError):
        open_checkpoint(tmp_path / "empty")


def test_one_rank_keeps_what_it_does_not_know(tmp_path: Path) -> None:
    """A single rank is the whole model: experts of an engine's own names are listed as not understood."""
    toy = model()
    (held,) = ranks(toy, 1)
    held |= {"model.layers.0.mlp.experts.w13_weight": np.ones((2, 2, 2), np.float32)}
    read = open_checkpoint(write(tmp_path, [held], toy.config))
    assert read.unrecognised == ("model.layers.0.mlp.experts.w13_weight",)


def test_quantised_matrices_of_one_rank_keep_their_scales(tmp_path: Path) -> None:
    """They are read in one tensor, as they are stored; of several ranks they are refused."""
    toy = model().configured(quantization_config={"quant_method": "compressed-tensors"})
    for number in (1, 2):
        held = []
        for rank in ranks(toy, number):
            name = "model.layers.0.self_attn.qkv_proj.weight"
            scale = {f"{name}_scale": np.full((len(rank[name]), 1), 0.5, np.float32)}
            held.append(rank | {name: rank[name].astype(ml_dtypes.float8_e4m3fn)} | scale)
        folder = write(tmp_path / f"{number}", held, toy.config)
        if number > 1:
            with pytest.raises(CheckpointError, match="2 ranks of tensor parallelism"):
                open_checkpoint(folder)
            continue
        wanted = toy.tensors["model.layers.0.self_attn.k_proj.weight"].astype(ml_dtypes.float8_e4m3fn)
        found = open_checkpoint(folder).read("k", 0)
        np.testing.assert_array_equal(found, 0.5 * wanted.astype(np.float32))


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tensor]:
    toy = model(biased=True)
    return contents(write(tmp_path_factory.mktemp("ranks"), ranks(toy, 4), toy.config)).found


@settings(deadline=None)
@given(st.data())
def test_any_rows_and_columns_of_joined_tensors(joined: dict[str, Tensor], data: st.DataObject) -> None:
    """As of the whole matrix, whatever the shares are, and as many bytes as are read."""
    truth = model(biased=True).tensors
    name = data.draw(st.sampled_from(sorted(truth)))
    x, tensor = truth[name], joined[name]
    assert tensor.shape == x.shape
    rows = data.draw(indexers(x.shape[0]))
    columns = data.draw(indexers(x.shape[1])) if x.ndim == 2 else None
    wanted = x[slice(None) if rows is None else rows]
    wanted = wanted if x.ndim == 1 else wanted[:, slice(None) if columns is None else columns]
    np.testing.assert_array_equal(tensor.read(rows, columns), wanted)
    assert tensor.nbytes(rows, columns) == wanted.nbytes
    assert b"".join(tensor.iter_bytes()) == x.tobytes()


def indexers(size: int) -> st.SearchStrategy[Any]:
    """All, a slice, or ascending indices."""
    some = st.lists(st.integers(0, size - 1), unique=True).map(lambda chosen: np.array(sorted(chosen), np.intp))
    ends = st.tuples(st.integers(0, size), st.integers(0, size))
    return st.none() | some | ends.map(lambda x: slice(min(x), max(x)))
