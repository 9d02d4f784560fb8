"""Usual names of MLP, attention, embedding and norm modules."""

from __future__ import annotations

import re

from .templates import Template

_GATED = (
    ("gate_proj", "up_proj", "down_proj"),
    ("w1", "w3", "w2"),
    ("gate", "up", "down"),
    ("w_gate", "w_up", "w_down"),
    ("wi_0", "wi_1", "wo"),
    ("linear_gate", "linear_up", "linear_down"),
    ("linear_1", "linear_3", "linear_2"),
    ("fc_1", "fc_2", "proj"),
)
_HALVES = (("net.0.proj", "net.0.proj", "net.2"),)
"""Up and gate in one tensor, up first, then down, in Diffusers."""
_PLAIN = (
    ("up_proj", "down_proj"),
    ("fc1", "fc2"),
    ("lin1", "lin2"),
    ("linear1", "linear2"),
    ("linear_1", "linear_2"),
    ("c_fc", "c_proj"),
    ("fc_in", "fc_out"),
    ("dense_h_to_4h", "dense_4h_to_h"),
    ("intermediate.dense", "output.dense"),
    ("wi", "wo"),
    ("w1", "w2"),
    ("w_1", "w_2"),
    ("up", "down"),
    ("w_up", "w_down"),
    ("fc", "proj"),
    ("net.0.proj", "net.2"),
    ("linear_fc1", "linear_fc2"),
    ("dense1", "dense2"),
    ("pwconv1", "pwconv2"),
    ("layer_1", "layer_2"),
    ("intermediate_dense", "output_dense"),
    ("0", "2"),
    ("0", "3"),
)
MLPS = (
    *((("gate", "up", "down"), words) for words in _GATED),
    *((("up", "gate", "down"), words) for words in _HALVES),
    *((("up", "down"), words) for words in _PLAIN),
)
ATTENTION = (
    ("q_proj", "k_proj", "v_proj", "o_proj"),
    ("q_proj", "k_proj", "v_proj", "out_proj"),
    ("q", "k", "v", "o"),
    ("query", "key", "value", "out"),
    ("query", "key", "value", "output"),
    ("query", "key", "value", "dense"),
    ("self.query", "self.key", "self.value", "output.dense"),
    ("attention.query", "attention.key", "attention.value", "output.dense"),
    ("q_lin", "k_lin", "v_lin", "out_lin"),
    ("wq", "wk", "wv", "wo"),
    ("to_q", "to_k", "to_v", "to_out.0"),
    ("to_q", "to_k", "to_v", "to_out"),
    ("linear_q", "linear_k", "linear_v", "linear_out"),
)
EMBED = "embed_tokens wte word_embeddings tok_embeddings token_embedding token_embeddings tok_emb token_emb embed_in"
UNEMBED = "lm_head embed_out output output_layer output_projection"
NORM = re.compile(r"norm|(^|[._])ln(_|[0-9]|\.|$)", re.IGNORECASE)
HEAD_NORM = re.compile(r"(^|[._])[qkv]_?(norm|ln|layernorm)", re.IGNORECASE)


def is_embedding(template: Template, words: str) -> bool:
    """Whether a tensor outside layers is named by one of some words."""
    return not template.layers and template.name.removesuffix(".weight").rpartition(".")[2] in words.split()
