#!/usr/bin/env bash
# transformers saves Kimi K2.5 with the layers of its language model named as blocks.
#
# Packages: torch 2.13.0, transformers 5.24.0; Python 3.11.
#
# The guess: save_pretrained writes the names that the Hub's files of this type have
#   (language_model.model.layers.0...), as it says it does by default, since it turns its own renaming round.
# The behaviour: renaming `encoder.blocks` of the image tower to `layers` is turned round for every name that has
#   `layers`, those of the language model too. transformers itself loads either; a reader of the Hub's names finds no
#   layer.
#
# Output seen:
#   saved: language_model.model.blocks.0.self_attn.o_proj.weight
#   names with layers: 0, with blocks: 24
#   loaded again from saved names: equal; from the Hub's names: equal
#
# Exits non-zero if this is no longer so. Needs about 6 GB of disk for the packages, which are removed at the end.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check torch==2.13.0 transformers==5.24.0
HF_HUB_OFFLINE=1 env/bin/python - 2>log <<'PYTHON' || { tail -n 30 log; exit 1; }
import json
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file

text = {
    "model_type": "deepseek_v3", "hidden_size": 48, "intermediate_size": 80, "moe_intermediate_size": 56,
    "num_hidden_layers": 2, "first_k_dense_replace": 2, "num_attention_heads": 4, "num_key_value_heads": 4,
    "kv_lora_rank": 20, "q_lora_rank": 28, "qk_nope_head_dim": 12, "qk_rope_head_dim": 8, "v_head_dim": 10,
    "n_routed_experts": 4, "n_group": 2, "topk_group": 1, "num_experts_per_tok": 2, "vocab_size": 320,
    "max_position_embeddings": 64, "tie_word_embeddings": False,
}
vision = {"hidden_size": 32, "intermediate_size": 40, "num_attention_heads": 4, "num_hidden_layers": 2, "patch_size": 8}
config = transformers.CONFIG_MAPPING["kimi_k25"](
    text_config=text, vision_config=vision, projection_hidden_size=64, image_token_id=310, video_token_id=311
)
torch.manual_seed(0)
model = transformers.AutoModelForImageTextToText.from_config(config)
model.save_pretrained("saved")
found = load_file("saved/model.safetensors")
language = sorted(name for name in found if name.startswith("language_model.") and ".0.self_attn.o_proj" in name)
layers = [name for name in found if name.startswith("language_model.") and ".layers." in name]
blocks = [name for name in found if name.startswith("language_model.") and ".blocks." in name]
print(f"saved: {language[0]}")
print(f"names with layers: {len(layers)}, with blocks: {len(blocks)}")
Path("hub").mkdir()
hub = {name.replace("blocks", "layers") if name in blocks else name: tensor for name, tensor in found.items()}
save_file(hub, "hub/model.safetensors", {"format": "pt"})
Path("hub/config.json").write_text(Path("saved/config.json").read_text())
state = model.state_dict()
same = []
for folder in ("saved", "hub"):
    again = type(model).from_pretrained(folder).state_dict()
    same.append(all(torch.equal(state[name], again[name]) for name in state))
words = ["equal" if one else "other" for one in same]
print(f"loaded again from saved names: {words[0]}; from the Hub's names: {words[1]}")
assert blocks and not layers
assert all(same)
PYTHON
