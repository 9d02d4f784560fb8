"""Calls the functions of a checkout of SeedPrints on two models, as its test of foundation models does.

Run in an environment with its requirements: PATH A B. Random tokens as many as there (2,000 sequences) and of the
models' own context, the last tenth of the output dimensions as its README says of ``--buffer_k``.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

SAMPLES = 2000
SHARE = 0.1


def main() -> None:
    """Print log10 of the p-value as JSON."""
    place, a, b = sys.argv[1:]
    sys.path.insert(0, place)
    import seedprint
    import utils
    from transformers import AutoModelForCausalLM

    models = [AutoModelForCausalLM.from_pretrained(folder, attn_implementation="sdpa").float() for folder in (b, a)]
    widths = [model.config.hidden_size for model in models]
    if widths[0] != widths[1]:
        print(json.dumps({"why": "other widths"}))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = utils.generate_random_tokens(
            str(Path(folder) / "tokens" / "tokens.pt"),
            SAMPLES,
            min(model.config.max_position_embeddings for model in models),
            min(model.config.vocab_size for model in models),
        )
        states = [utils.get_hidden_states_from_tokens(model, path) for model in models]
    found = seedprint.run_test(*states, buffer_k=round(SHARE * widths[0]))
    if not found["k"]:
        print(json.dumps({"why": "no dimension is among the last of both"}))
        return
    print(json.dumps({"log10_p": float(found["log10_p"])}))


if __name__ == "__main__":
    main()
