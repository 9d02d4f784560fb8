#!/usr/bin/env bash
# A gradient of weights in a mergekit recipe gives the output head the first value of the list, not the last.
#
# Packages: mergekit 0.1.5, transformers 5.24.0, safetensors 0.8.0, torch 2.14.1, numpy 2.4.6; Python 3.11.
#
# The guess: a list of values such as weight: [0, 1] is laid over the depth of the model, so that the embeddings, where
#   the model begins, take the first value, and the final norm and the output head, where it ends, take the last.
# The behaviour: only what belongs to a numbered layer follows the list. Everything else takes the first value, the
#   final norm and lm_head too: in a merge that passes from one model to another over its depth, the last layer is
#   wholly of one model and the head that reads it wholly of the other.
#
# Output seen (the share of the model with weight: [0, 1]; the other has weight: [1, 0]):
#   model.embed_tokens 0.000
#   model.layers.0.self_attn.o_proj 0.000
#   model.layers.1.self_attn.o_proj 0.333
#   model.layers.2.self_attn.o_proj 0.667
#   model.layers.3.self_attn.o_proj 1.000
#   model.norm 0.000
#   lm_head 0.000
#
# Exits non-zero if this is no longer so. Needs about 6 GB of disk for the packages, which are removed at the end.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check \
  mergekit==0.1.5 transformers==5.24.0 safetensors==0.8.0 torch==2.14.1 numpy==2.4.6
env/bin/python - <<'PYTHON'
import json
import os

import numpy as np
from safetensors.numpy import save_file

CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 32, "hidden_size": 16,
    "intermediate_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2, "num_key_value_heads": 2,
    "max_position_embeddings": 64, "rms_norm_eps": 1e-6, "tie_word_embeddings": False, "dtype": "float32",
}  # fmt: skip
SHAPES = {"model.embed_tokens": (32, 16), "model.norm": (16,), "lm_head": (32, 16)}
for i in range(4):
    SHAPES |= {f"model.layers.{i}.self_attn.{name}_proj": (16, 16) for name in "qkvo"}
    SHAPES |= {f"model.layers.{i}.mlp.{name}_proj": (32, 16) for name in ("gate", "up")}
    SHAPES[f"model.layers.{i}.mlp.down_proj"] = (16, 32)
    SHAPES |= {f"model.layers.{i}.{name}_layernorm": (16,) for name in ("input", "post_attention")}
for folder, value in (("zeros", 0.0), ("ones", 1.0)):
    os.mkdir(folder)
    weights = {f"{name}.weight": np.full(shape, value, np.float32) for name, shape in SHAPES.items()}
    save_file(weights, f"{folder}/model.safetensors", {"format": "pt"})
    with open(f"{folder}/config.json", "w") as file:
        json.dump(CONFIG, file)
PYTHON
cat >recipe.yml <<'YAML'
merge_method: linear
dtype: float32
models:
  - model: ./ones
    parameters: {weight: [0, 1]}
  - model: ./zeros
    parameters: {weight: [1, 0]}
YAML
HF_HUB_OFFLINE=1 env/bin/mergekit-yaml recipe.yml merged --no-copy-tokenizer --no-write-model-card --quiet >log 2>&1 ||
  { cat log; exit 1; }
env/bin/python - <<'PYTHON'
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

merged = {k: v for path in Path("merged").glob("*.safetensors") for k, v in load_file(path).items()}
expected = {"model.embed_tokens": 0.0, "model.norm": 0.0, "lm_head": 0.0}
expected |= {f"model.layers.{i}.self_attn.o_proj": i / 3 for i in range(4)}
names = ["model.embed_tokens", *(f"model.layers.{i}.self_attn.o_proj" for i in range(4)), "model.norm", "lm_head"]
for name in names:
    print(f"{name} {merged[f'{name}.weight'].mean():.3f}")
for name in names:
    assert np.allclose(merged[f"{name}.weight"], expected[name], atol=1e-6), f"the behaviour has changed: {name}"
PYTHON
