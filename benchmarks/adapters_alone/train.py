# /// script
# dependencies = ["accelerate==1.15.0", "peft==0.21.2", "safetensors", "torch==2.13.0", "transformers==5.24.0"]
# ///
"""Train LoRAs of one small Llama by PEFT: strangers, of one seed, and trained on; each says what it is."""

import json
import sys
import warnings
from pathlib import Path

import peft
import torch
import transformers

WORDS, LENGTH, LINES = 256, 32, 256


def base() -> torch.nn.Module:
    """The one base of all."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        num_attention_heads=4,
        num_hidden_layers=4,
        hidden_size=64,
        intermediate_size=128,
        num_key_value_heads=2,
        vocab_size=WORDS,
    )
    return transformers.AutoModelForCausalLM.from_config(config)


def text(number: int) -> torch.Tensor:
    """Lines in which each word is followed by one of three."""
    generator = torch.Generator().manual_seed(1000 + number)
    follows = torch.randint(0, WORDS, (WORDS, 3), generator=generator)
    lines = torch.empty(LINES, LENGTH, dtype=torch.long)
    lines[:, 0] = torch.randint(0, WORDS, (LINES,), generator=generator)
    for at in range(1, LENGTH):
        lines[:, at] = follows[lines[:, at - 1], torch.randint(0, 3, (LINES,), generator=generator)]
    return lines


def train(out: Path, said: dict, steps: int = 80, rate: float = 3e-3, **settings: object) -> None:
    """Train one, unless it is there."""
    folder = out / said["name"]
    if (folder / "made.json").exists():
        return
    model, converted = base(), {}
    torch.manual_seed(said["seed"])
    if "of" in said:
        model = peft.PeftModel.from_pretrained(model, out / said["of"], is_trainable=True)
    else:
        rank = said["rank"]
        chosen = peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", **settings)
        model = peft.get_peft_model(model, chosen)
    if settings.get("init_lora_weights") in ("pissa", "olora"):
        start = out / "starts" / said["name"]
        model.save_pretrained(start)
        converted = {"path_initial_model_for_weight_conversion": str(start)}
    learned = [x for x in model.parameters() if x.requires_grad]
    optimiser = torch.optim.SGD(learned, lr=0.3) if said["kind"] == "SGD" else torch.optim.AdamW(learned, lr=rate)
    lines, generator = text(said["text"]), torch.Generator().manual_seed(said["seed"])
    for order in torch.randint(0, LINES, (steps, 16), generator=generator):
        loss = model(input_ids=lines[order], labels=lines[order]).loss
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimiser.step()
    model.save_pretrained(folder, **converted)
    (folder / "made.json").write_text(json.dumps(said))


def main(out: Path) -> None:
    """Train all."""
    warnings.simplefilter("ignore")
    for rank in (4, 8, 16):
        for i in range(12):
            said = {"kind": f"rank {rank}", "rank": rank, "seed": 100 + i, "text": i % 3}
            train(out, {"name": f"r{rank}-seed{i}-data{i % 3}", **said})
        for i in range(3):
            said = {"kind": f"rank {rank}", "rank": rank, "seed": 100 + i, "text": 7}
            train(out, {"name": f"same-r{rank}-seed{i}-data7", **said})
            said = {
                "kind": f"rank {rank}",
                "rank": rank,
                "seed": 500 + i,
                "text": 8,
                "of": f"r{rank}-seed{i}-data{i}",
            }
            train(out, {"name": f"cont-r{rank}-seed{i}-data8", **said})
    for i in range(3):
        for start in ("pissa", "olora"):
            said = {"kind": f"{start}, converted", "rank": 8, "seed": 300 + i, "text": i}
            train(out, {"name": f"{start}-{i}", **said}, init_lora_weights=start)
    for i in range(5):
        one = {"rank": 8, "text": 0}
        train(out, {"name": f"gauss-{i}", "kind": "gaussian", "seed": 900 + i, **one}, init_lora_weights="gaussian")
        train(out, {"name": f"dora-{i}", "kind": "DoRA", "seed": 900 + i, **one}, use_dora=True)
        train(out, {"name": f"long-{i}", "kind": "long training", "seed": 700 + i, **one}, steps=300, rate=1e-2)
        train(out, {"name": f"sgd-{i}", "kind": "SGD", "seed": 800 + i, **one})
        train(out, {"name": f"r1-{i}", "kind": "rank 1", "rank": 1, "text": 0, "seed": 600 + i})
        train(out, {"name": f"zero-{i}", "kind": "untrained", "seed": 400 + i, **one}, steps=0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
