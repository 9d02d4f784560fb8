"""Do the converted models still work? ``python -m benchmarks.published_check`` runs their forward passes.

A conversion that mixes up two matrices or the order of rows leaves a file that looks right and predicts nothing.
So every masked model fills each place of a sequence in turn, both sentence models embed a few sentences, and the
decoder reads a text, once as converted and once with the rows of q and k as the GGUF file had them.
"""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

from .published import CACHE, prepare

HEAVY_CHAIN = (
    "EVQLVQSGPEVKKPGTSVKVSCKASGFTFMSSAVQWVRQARGQRLEWIGWIVIGSGNTNY"
    "AQKFQERVTITRDMSTSTAYMELSSLRSEDTAVYYCAAPYCSSISCNDGFDIWGQGTMVTVS"
)
LIGHT_CHAIN = (
    "DVVMTQTPFSLPVSLGDQASISCRSSQSLVHSNGNTYLHWYLQKPGQSPKLLIYKVSNRFSGVPDRFSGSGSGTDFTLKISRVEAEDLGVYFCSQSTHVPYTFGGGTKLEIK"
)
REACTANTS = "CC(C)(C)OC(=O)N1CCNCC1.O=C(O)c1ccccc1.CCN=C=NCCCN(C)C.CN(C)C=O"
REACTION = [*REACTANTS, ">>", *"CC(C)(C)OC(=O)N1CCN(C(=O)c2ccccc2)CC1"]  # an amide coupling
SENTENCES = ("That is a happy person", "That is a very happy person", "Today is a sunny day")
TEXT = (
    "The capital of France is Paris, which lies on the river Seine. The city is known for its museums, such as the "
    "Louvre, and for the Eiffel Tower, which was built in the nineteenth century. Water boils at one hundred degrees."
)


def main() -> None:
    """Run every model and print what it makes of a sensible input."""
    prepare()
    special = {"rxnfp-pretrained": ("[CLS]", "[SEP]", "[MASK]"), "antiberty": ("[CLS]", "[SEP]", "[MASK]")}
    inputs = {"heavy": list(HEAVY_CHAIN), "light": list(LIGHT_CHAIN)}
    cases = [("rxnfp-pretrained", "reaction", REACTION)]
    cases += [(name, kind, inputs[kind]) for name in ("antiberty", "sapiens-vh", "sapiens-vl") for kind in inputs]
    print("Share of places filled with the true token, each masked in turn; share of the commonest token:")
    for name, kind, tokens in cases:
        right = share_filled(CACHE / name, tokens, *special.get(name, ("<s>", "</s>", "<mask>")))
        commonest = max(map(tokens.count, tokens)) / len(tokens)
        print(f"  {name}, {kind}: {right:.2f}; {commonest:.2f}")
    print("Cosines of sentences (1, 2: paraphrases; 3: another subject):")
    for name in ("all-MiniLM-L6-v2", "all-mpnet-base-v2"):
        for variant in (False, True) if "mpnet" in name else (False,):
            vectors = [embedding(CACHE / name, sentence, without_bias=variant) for sentence in SENTENCES]
            cosines = "  ".join(
                f"{i + 1}-{j + 1} {float(vectors[i] @ vectors[j]):.3f}" for i, j in combinations(range(3), 2)
            )
            print(f"  {name}{', relative bias left out' if variant else ''}: {cosines}")
    print("Nats per token of SmolLM2 on a text, and on its second reading, which takes a sense of place:")
    for as_stored in (False, True):
        order = "q and k in the GGUF order of rows" if as_stored else "as converted"
        first, second = nats(CACHE / "SmolLM2-135M-Instruct", as_stored=as_stored)
        print(f"  {order}: {first:.2f}  {second:.2f}")


def share_filled(folder: Path, tokens: list[str], first: str, last: str, mask: str) -> float:
    """Share of the tokens that a masked language model restores."""
    weights, config = read(folder)
    ids = json.loads((folder / "vocab.json").read_text("utf-8"))
    sequence = torch.tensor([ids[token] for token in (first, *tokens, last)])
    places = torch.arange(1, len(sequence) - 1)
    masked = sequence.repeat(len(places), 1)
    masked[torch.arange(len(places)), places] = ids[mask]
    hidden = encode(weights, config, masked)[torch.arange(len(places)), places]
    return float((head(weights, hidden).argmax(-1) == sequence[places]).float().mean())


def head(w: dict[str, Tensor], x: Tensor) -> Tensor:
    """Scores of tokens, by BERT's or RoBERTa's names."""
    if "cls.predictions.bias" in w:
        at = "cls.predictions.transform."
        x = layer_norm(w, f"{at}LayerNorm", F.gelu(linear(w, f"{at}dense", x)))
        return F.linear(x, w["cls.predictions.decoder.weight"], w["cls.predictions.bias"])
    x = layer_norm(w, "lm_head.layer_norm", F.gelu(linear(w, "lm_head.dense", x)))
    return F.linear(x, w["lm_head.decoder.weight"], w["lm_head.bias"])


def encode(w: dict[str, Tensor], config: dict[str, Any], ids: Tensor, *, without_bias: bool = False) -> Tensor:
    """Last hidden states [sequences, places, width] of BERT, RoBERTa or MPNet under BERT's names."""
    w = {name.removeprefix("bert.").removeprefix("roberta."): tensor for name, tensor in w.items()}
    eps = config.get("layer_norm_eps", 1e-5)
    heads, n = config["num_attention_heads"], ids.shape[1]
    segment = w.get("embeddings.token_type_embeddings.weight")
    start = 0 if segment is not None else 2  # RoBERTa and MPNet count positions from the padding id on
    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][start : start + n]
    x = layer_norm(w, "embeddings.LayerNorm", x if segment is None else x + segment[0], eps)
    relative = w.get("encoder.relative_attention_bias.weight")
    mask = None if relative is None or without_bias else relative[buckets(n)].permute(2, 0, 1)
    for i in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{i}."
        q, k, v = (
            linear(w, f"{at}attention.self.{role}", x).unflatten(-1, (heads, -1)).transpose(1, 2)
            for role in ("query", "key", "value")
        )
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2)
        x = layer_norm(w, f"{at}attention.output.LayerNorm", x + linear(w, f"{at}attention.output.dense", mixed), eps)
        inner = F.gelu(linear(w, f"{at}intermediate.dense", x))
        x = layer_norm(w, f"{at}output.LayerNorm", x + linear(w, f"{at}output.dense", inner), eps)
    return x


def buckets(n: int) -> Tensor:
    """MPNet's and T5's bucket of every pair of places: 32, both ways, exact below 8, then logarithmic to 128."""
    offset = torch.arange(n)[:, None] - torch.arange(n)[None]
    away = offset.abs()
    far = 8 + (torch.log(away.clamp(min=1) / 8) / np.log(16) * 8).long()
    return torch.where(offset < 0, 16, 0) + torch.where(away < 8, away, far.clamp(max=15))


def embedding(folder: Path, sentence: str, *, without_bias: bool) -> Tensor:
    """Mean of the last hidden states, length 1."""
    weights, config = read(folder)
    vocabulary = json.loads((folder / "tokenizer.json").read_text("utf-8"))["model"]["vocab"]
    first, last = ("[CLS]", "[SEP]") if "[CLS]" in vocabulary else ("<s>", "</s>")
    ids = torch.tensor([[vocabulary[token] for token in (first, *sentence.lower().split(), last)]])
    mean = encode(weights, config, ids, without_bias=without_bias)[0].mean(0)
    return mean / mean.norm()


def nats(folder: Path, *, as_stored: bool) -> tuple[float, float]:
    """Mean negative log likelihood of a text's tokens under a Llama, read once and once more."""
    w, config = read(folder)
    heads, groups, width = config["num_attention_heads"], config["num_key_value_heads"], config["hidden_size"]
    size = width // heads
    vocabulary = json.loads((folder / "tokenizer.json").read_text("utf-8"))["model"]["vocab"]
    ids = torch.tensor(longest_tokens(vocabulary, f"{TEXT} {TEXT}".replace(" ", "\u0120")))
    rates = config["rope_theta"] ** -(torch.arange(0, size, 2) / size)
    angle = torch.outer(torch.arange(len(ids)), rates).repeat(1, 2)
    x = w["model.embed_tokens.weight"][ids]
    for i in range(config["num_hidden_layers"]):
        at = f"model.layers.{i}."
        y = rms_norm(x, w[f"{at}input_layernorm.weight"], config["rms_norm_eps"])
        q, k, v = (y @ w[f"{at}self_attn.{role}_proj.weight"].T for role in "qkv")
        q, k, v = (t.unflatten(-1, (n, size)).transpose(0, 1) for t, n in ((q, heads), (k, groups), (v, groups)))
        if as_stored:
            q, k = (torch.stack((t[..., : size // 2], t[..., size // 2 :]), -1).flatten(-2) for t in (q, k))
        q, k = (t * angle.cos() + half_turned(t) * angle.sin() for t in (q, k))
        k, v = (t.repeat_interleave(heads // groups, 0) for t in (k, v))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(0, 1).flatten(1)
        x = x + mixed @ w[f"{at}self_attn.o_proj.weight"].T
        y = rms_norm(x, w[f"{at}post_attention_layernorm.weight"], config["rms_norm_eps"])
        inner = F.silu(y @ w[f"{at}mlp.gate_proj.weight"].T) * (y @ w[f"{at}mlp.up_proj.weight"].T)
        x = x + inner @ w[f"{at}mlp.down_proj.weight"].T
    x = rms_norm(x, w["model.norm.weight"], config["rms_norm_eps"])
    loss = F.cross_entropy((x @ w["model.embed_tokens.weight"].T)[:-1], ids[1:], reduction="none")
    first, second = loss.tensor_split(2)
    return float(first.mean()), float(second.mean())


def half_turned(x: Tensor) -> Tensor:
    """Each pair of channels, half a head apart, a quarter turn on."""
    low, high = x.chunk(2, -1)
    return torch.cat((-high, low), -1)


def longest_tokens(vocabulary: dict[str, int], text: str) -> list[int]:
    """A text in tokens, each the longest that fits: near enough to byte-pair merges for English."""
    ids = []
    while text:
        token = next(text[:n] for n in range(len(text), 0, -1) if text[:n] in vocabulary)
        ids.append(vocabulary[token])
        text = text[len(token) :]
    return ids


def read(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Weights as float32, and the configuration."""
    weights = {name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()}
    return weights, json.loads((folder / "config.json").read_text("utf-8"))


def linear(w: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """Matrix and bias."""
    return F.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])


def layer_norm(w: dict[str, Tensor], name: str, x: Tensor, eps: float = 1e-5) -> Tensor:
    """Gain and bias after standardising."""
    return F.layer_norm(x, x.shape[-1:], w[f"{name}.weight"], w[f"{name}.bias"], eps)


def rms_norm(x: Tensor, gain: Tensor, eps: float) -> Tensor:
    """Gain after division by the root mean square."""
    return x / (x.square().mean(-1, keepdim=True) + eps).sqrt() * gain


if __name__ == "__main__":
    with torch.no_grad():
        main()
