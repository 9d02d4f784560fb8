#!/usr/bin/env bash
# auto-round's export as GPTQ moves a matrix without negative weights down by one step of its scale.
#
# Packages: auto-round 0.16.1, transformers 5.24.0, safetensors 0.8.0, torch 2.14.1, numpy 2.4.6; Python 3.11.
#
# The guess: 4 bits with zero points (sym=False) round every weight to the nearest of 16 levels, so an exported weight
#   is at most half a step from the original, whatever its sign.
# The behaviour: the GPTQ layout stores the zero point less one. A group without negative weights has zero point 0,
#   which less one cannot be stored; the exporter stores 0, which stands for 1. The rounded weights themselves are
#   right, but every weight of the group reads back one step too low, without a warning. config.json does not say so,
#   nor does it say which of the two conventions (checkpoint_format) the file follows. The steps here are about a
#   fifteenth of the largest weight.
#
# Output seen (errors in steps, with the zero point read as stored plus one):
#   down_proj (both signs): stored zero points 3 to 10, largest error 0.50, mean error 0.00
#   up_proj (0.1 to 1.0): stored zero points 0 to 0, largest error 1.50, mean error -1.00
#   up_proj if zero points are read as stored: largest error 0.50
#
# Exits non-zero if this is no longer so. Needs about 6 GB of disk for the packages, which are removed at the end.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check \
  auto-round==0.16.1 transformers==5.24.0 safetensors==0.8.0 torch==2.14.1 numpy==2.4.6
cat >quantize.py <<'PYTHON'
import json
import os

import numpy as np
from auto_round import AutoRound
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 64, "hidden_size": 64,
    "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2,
    "max_position_embeddings": 64, "rms_norm_eps": 1e-6, "tie_word_embeddings": False, "dtype": "float32",
}  # fmt: skip
draw = np.random.default_rng(0)
layer = "model.layers.0"
names = [f"{layer}.self_attn.{name}_proj" for name in "qkvo"] + [f"{layer}.mlp.{name}_proj" for name in ("gate", "down")]
weights = {name: draw.normal(0, 0.02, (64, 64)) for name in ["model.embed_tokens", "lm_head", *names]}
weights[f"{layer}.mlp.up_proj"] = draw.uniform(0.1, 1.0, (64, 64))
weights |= {name: np.ones(64) for name in ("model.norm", f"{layer}.input_layernorm", f"{layer}.post_attention_layernorm")}
weights = {f"{name}.weight": weight.astype(np.float32) for name, weight in weights.items()}
os.mkdir("model")
save_file(weights, "model/model.safetensors", {"format": "pt"})
with open("model/config.json", "w") as file:
    json.dump(CONFIG, file)

words = Tokenizer(models.WordLevel({f"w{i}": i for i in range(64)}, unk_token="w0"))
tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="w0", pad_token="w1")
rounding = AutoRound(
    LlamaForCausalLM.from_pretrained("model"), tokenizer,
    bits=4, group_size=32, sym=False, iters=0, disable_opt_rtn=True, device_map="cpu",
)  # fmt: skip
rounding.quantize_and_save("out", format="auto_gptq")
PYTHON
HF_HUB_OFFLINE=1 env/bin/python quantize.py >log 2>&1 || { tail -n 30 log; exit 1; }
env/bin/python - <<'PYTHON'
import json
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

(path,) = Path("out").rglob("model.safetensors")
said = json.loads((path.parent / "config.json").read_text())["quantization_config"]
assert said["quant_method"] == "gptq" and "checkpoint_format" not in said, said
written, original = load_file(path), load_file("model/model.safetensors")
shifts = np.arange(0, 32, 4)


def errors(name: str, offset: int) -> tuple[np.ndarray, np.ndarray]:
    """Stored zero points, and errors in steps."""
    packed, zeros, scales = (written[f"{name}.{part}"] for part in ("qweight", "qzeros", "scales"))
    levels = (packed[:, None, :] >> shifts[None, :, None] & 15).reshape(64, 64)  # inputs by outputs
    stored = (zeros[:, :, None] >> shifts & 15).reshape(2, 64)
    steps = np.repeat(scales.astype(np.float64), 32, axis=0)
    read = steps * (levels - np.repeat(stored + offset, 32, axis=0))
    return stored, (read - original[f"{name}.weight"].T) / steps


def show(text: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    stored, off = errors(f"model.layers.0.mlp.{name}", 1)
    print(
        f"{name} ({text}): stored zero points {stored.min()} to {stored.max()}, "
        f"largest error {abs(off).max():.2f}, mean error {round(float(off.mean()), 2) + 0.0:.2f}"
    )
    return stored, off


_, both = show("both signs", "down_proj")
stored, positive = show("0.1 to 1.0", "up_proj")
_, plain = errors("model.layers.0.mlp.up_proj", 0)
print(f"up_proj if zero points are read as stored: largest error {abs(plain).max():.2f}")
changed = "the behaviour has changed"
assert abs(both).max() < 0.51 and abs(plain).max() < 0.51 and not stored.any(), changed
assert positive.mean() < -0.9 and abs(positive).max() > 1.4, changed
PYTHON
