#!/usr/bin/env bash
# transformers loads the old weights from a folder saved twice, the second time in shards.
#
# Packages: transformers 5.24.0, huggingface_hub 2.4.0, safetensors 0.8.0, torch 2.14.1, numpy 2.4.6; Python 3.11.
#
# The guess: after model.save_pretrained(folder), from_pretrained(folder) gives the model that was saved last. A folder
#   that holds both model.safetensors and model.safetensors.index.json is read the same way by both libraries of the
#   same maker.
# The behaviour: a save in shards (max_shard_size) into a folder that holds a single model.safetensors writes the
#   shards and their index and leaves the single file where it is; from_pretrained looks for the single file first and
#   returns the weights of the earlier save, without a warning. load_torch_model of huggingface_hub looks for the index
#   first and returns those of the later one, from the same folder.
#
# Output seen:
#   files: model-00001-of-00003.safetensors model-00002-of-00003.safetensors model-00003-of-00003.safetensors
#     model.safetensors model.safetensors.index.json
#   saved last: 2.0
#   transformers from_pretrained: 1.0
#   huggingface_hub load_torch_model: 2.0
#
# Exits non-zero if this is no longer so. Needs about 6 GB of disk for the packages, which are removed at the end.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check \
  transformers==5.24.0 huggingface_hub==2.4.0 safetensors==0.8.0 torch==2.14.1 numpy==2.4.6
HF_HUB_OFFLINE=1 HF_HUB_DISABLE_PROGRESS_BARS=1 env/bin/python - <<'PYTHON'
import os
import warnings

from huggingface_hub import load_torch_model
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.utils import logging

logging.disable_progress_bar()
config = LlamaConfig(
    vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2
)
model = LlamaForCausalLM(config)


def fill(value: float) -> None:
    for weight in model.parameters():
        weight.data.fill_(value)


fill(1.0)
model.save_pretrained("folder")
fill(2.0)
model.save_pretrained("folder", max_shard_size="10KB")
print("files:", *sorted(name for name in os.listdir("folder") if name.startswith("model")))
print("saved last:", model.model.norm.weight[0].item())

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    first = LlamaForCausalLM.from_pretrained("folder")
old = {weight.unique().item() for weight in first.parameters()}
print("transformers from_pretrained:", *old)

other = LlamaForCausalLM(config)
load_torch_model(other, "folder")
new = {weight.unique().item() for weight in other.parameters()}
print("huggingface_hub load_torch_model:", *new)

assert old == {1.0} and new == {2.0}, "the behaviour has changed"
assert not any("shard" in str(w.message) or "index" in str(w.message) for w in caught), "there is a warning now"
os.remove("folder/model.safetensors")  # the shards are whole: without the single file they are what is read
again = LlamaForCausalLM.from_pretrained("folder")
assert {weight.unique().item() for weight in again.parameters()} == {2.0}
PYTHON
