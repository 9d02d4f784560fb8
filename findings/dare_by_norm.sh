#!/usr/bin/env bash
# mergekit's DARE does not divide what it keeps by the density: it restores the sum of magnitudes, tensor by tensor.
#
# Packages: mergekit 0.1.5, torch 2.13.0, transformers 5.24.0, numpy 2.4.6; Python 3.11.
#
# The guess: with `density: 0.5`, dare_linear keeps half of the numbers of a change, drawn at random, and multiplies
#   them by 1 / density = 2, as the paper of DARE has it; every kept number is P + 2 w (A - P), to rounding.
# The behaviour: kept numbers are multiplied by the sum of magnitudes before over that after, in each tensor by itself.
#   Over many numbers that is near 2, in another multiple for each tensor. In a change with one large number the multiple
#   is far from 2, above or below, as that number was kept or not.
#
# Output seen:
#   multiples of the changes that were kept, at density 0.5: even changes 1.92 to 2.07, one large number in each 1.00 to 205.65
#
# Exits non-zero if this is no longer so. Needs about 6 GB of disk for the packages, which are removed at the end.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check mergekit==0.1.5 torch==2.13.0 transformers==5.24.0 numpy==2.4.6
export HF_HUB_OFFLINE=1 HOME="$work"
env/bin/python - <<'PYTHON'
import os

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

config = LlamaConfig(
    vocab_size=256, hidden_size=64, intermediate_size=128, num_hidden_layers=4, num_attention_heads=4,
    num_key_value_heads=4, max_position_embeddings=64, tie_word_embeddings=False, dtype="float32",
)  # fmt: skip
torch.manual_seed(0)
LlamaForCausalLM(config).save_pretrained("base")
base = load_file("base/model.safetensors")
draw = torch.Generator().manual_seed(20)
for name, large in (("even", 0.0), ("one-large", 1.0)):
    os.mkdir(name)
    config.save_pretrained(name)
    tuned = {}
    for key, p in base.items():
        change = 1e-3 * torch.randn(p.shape, generator=draw)
        if large:
            change.view(-1)[3] = change.abs().sum() * 100
        tuned[key] = p + change
    save_file(tuned, f"{name}/model.safetensors", {"format": "pt"})
    with open(f"{name}.yml", "w") as file:
        file.write(
            f"merge_method: dare_linear\nbase_model: ./base\ndtype: float32\nmodels:\n- model: ./{name}\n"
            "  parameters: {weight: 1.0, density: 0.5}\n"
        )
PYTHON
for name in even one-large; do
  env/bin/mergekit-yaml "$name.yml" "merged-$name" --random-seed 1 --quiet >"$name.log" 2>&1 || { tail -5 "$name.log"; exit 1; }
done
env/bin/python - <<'PYTHON'
import glob

from safetensors.torch import load_file


def loaded(folder):
    found = {}
    for file in glob.glob(f"{folder}/*.safetensors"):
        found |= load_file(file)
    return found


def multiples(name):
    base, tuned, merged = (loaded(folder) for folder in ("base", name, f"merged-{name}"))
    found = []
    for key in base:
        if base[key].ndim < 2:
            continue
        change, kept = (tuned[key] - base[key]).double(), (merged[key] - base[key]).double()
        told = (kept.abs() > 5e-4) & (change.abs() > 5e-4) & (change.abs() < 1)
        found.append(float((kept[told] / change[told]).median()))
    return found


even, large = multiples("even"), multiples("one-large")
print(
    "multiples of the changes that were kept, at density 0.5:",
    f"even changes {min(even):.2f} to {max(even):.2f}, one large number in each {min(large):.2f} to {max(large):.2f}",
)
changed = "the behaviour has changed"
assert all(1.9 < x < 2.1 for x in even) and len({round(x, 4) for x in even}) > 10, changed
assert min(large) < 1.1 and max(large) > 20, changed
PYTHON
