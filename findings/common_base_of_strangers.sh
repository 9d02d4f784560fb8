#!/usr/bin/env bash
# weightscope finds a common base of two models that were drawn independently, with high confidence.
#
# Packages: weightscope 0.4.3, torch 2.13.0, safetensors 0.8.0, numpy 2.4.6; Python 3.11.
#
# The guess: `weightscope diff` tells training from a common base (`post_training`) from "a full retrain or
#   independently trained model" (`full_retrain`), so that two random initialisations are the latter.
# The behaviour: the two are told apart by the median over tensors of the largest change of an element, with a fixed
#   limit of 0.5. Weights of language models are drawn with standard deviations of about 0.02 and rarely grow to 0.5,
#   so two models that share nothing lie far below the limit.
#
# Output seen:
#   Looks like full-parameter post-training (SFT / DPO / continued training) from a common base
#   classification: post_training, confidence: high
#
# Exits non-zero if this is no longer so. Needs about 6 GB of disk for the packages, which are removed at the end.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check weightscope==0.4.3 torch==2.13.0 safetensors==0.8.0 numpy==2.4.6
env/bin/python - <<'PYTHON'
import json
import os

import numpy as np
from safetensors.numpy import save_file

WIDTH, HIDDEN, LAYERS, VOCABULARY = 64, 176, 4, 256
CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": VOCABULARY, "hidden_size": WIDTH,
    "intermediate_size": HIDDEN, "num_hidden_layers": LAYERS, "num_attention_heads": 4, "num_key_value_heads": 4,
    "tie_word_embeddings": False, "torch_dtype": "float32",
}  # fmt: skip
SHAPES = {f"self_attn.{name}_proj": (WIDTH, WIDTH) for name in "qkvo"}
SHAPES |= {"mlp.gate_proj": (HIDDEN, WIDTH), "mlp.up_proj": (HIDDEN, WIDTH), "mlp.down_proj": (WIDTH, HIDDEN)}
for name, seed in (("first", 0), ("second", 1)):
    draw = np.random.default_rng(seed)
    weights = {part: draw.normal(0, 0.02, (VOCABULARY, WIDTH)) for part in ("model.embed_tokens", "lm_head")}
    for layer in (f"model.layers.{i}" for i in range(LAYERS)):
        weights |= {f"{layer}.{part}": draw.normal(0, 0.02, shape) for part, shape in SHAPES.items()}
        weights |= {f"{layer}.{part}": np.ones(WIDTH) for part in ("input_layernorm", "post_attention_layernorm")}
    weights["model.norm"] = np.ones(WIDTH)
    os.mkdir(name)
    whole = {f"{part}.weight": weight.astype(np.float32) for part, weight in weights.items()}
    save_file(whole, f"{name}/model.safetensors", {"format": "pt"})
    with open(f"{name}/config.json", "w") as file:
        json.dump(CONFIG, file)
PYTHON
HF_HUB_OFFLINE=1 env/bin/weightscope diff "$work/first" "$work/second" -o report.md >log 2>&1 || { tail -n 30 log; exit 1; }
grep -o 'Looks like .* from a common base' report.md
grep -o 'classification: `post_training`, confidence: \*\*high\*\*' report.md | tr -d '`*'
