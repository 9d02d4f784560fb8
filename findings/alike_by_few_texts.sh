#!/usr/bin/env bash
# The white-box comparison of knowlyr-modelaudit calls two models that were drawn independently derived.
#
# Packages: knowlyr-modelaudit 0.4.1, torch 2.13.0, transformers 5.24.0, numpy 2.4.6; Python 3.11.
#
# The guess: method `reef` calls a model derived if the mean linear CKA of its layers and another's is at least 0.85,
#   so that two random initialisations, which share nothing, lie far below.
# The behaviour: CKA is taken over 8 texts. Centred, 8 vectors that point nowhere in particular are nearly orthogonal
#   in every wide space, and so are alike in every two: the CKA of independent draws goes to 1 as the width grows.
#
# Output seen:
#   CKA of 8 independent normal vectors, width 64: 0.94, width 4096: 1.00
#   two random initialisations: CKA 0.99, derived: True
#
# Exits non-zero if this is no longer so. Needs about 6 GB of disk for the packages, which are removed at the end.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check \
  knowlyr-modelaudit==0.4.1 torch==2.13.0 transformers==5.24.0 numpy==2.4.6
HF_HUB_OFFLINE=1 env/bin/python - 2>log <<'PYTHON' || { tail -n 30 log; exit 1; }
import numpy as np
import torch
from modelaudit.engine import AuditEngine
from modelaudit.methods.reef import _compute_cka
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

draw = np.random.default_rng(0)
few, many = (_compute_cka(*draw.normal(size=(2, 8, width))) for width in (64, 4096))
print(f"CKA of 8 independent normal vectors, width 64: {few:.2f}, width 4096: {many:.2f}")
letters = {letter: i for i, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
tokenizer = Tokenizer(models.BPE(vocab=letters, merges=[]))
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
for name, seed in (("first", 0), ("second", 1)):
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=256, hidden_size=1024, intermediate_size=2048, num_hidden_layers=8, num_attention_heads=4
    )
    LlamaForCausalLM(config).save_pretrained(name)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="!").save_pretrained(name)
found = AuditEngine(use_cache=False).compare("first", "second", method="reef", device="cpu")
print(f"two random initialisations: CKA {found.similarity:.2f}, derived: {found.is_derived}")
assert many > 0.99
assert found.is_derived
PYTHON
