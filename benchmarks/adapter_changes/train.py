# /// script
# dependencies = ["accelerate==1.15.0", "peft==0.21.2", "safetensors", "torch==2.13.0", "transformers==5.24.0"]
# ///
"""Train adapters of one small Llama by PEFT, merge them, and fine-tune the Llama; each says what it is."""

import json
import shutil
import sys
import warnings
from pathlib import Path

import peft
import torch
import transformers

WORDS, LENGTH, LINES = 256, 32, 256
TYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
KINDS = {
    "LoRA": lambda: peft.LoraConfig(r=8, lora_alpha=16, target_modules="all-linear"),
    "LoRA, rank 1": lambda: peft.LoraConfig(r=1, lora_alpha=2, target_modules=["q_proj", "v_proj"]),
    "LoRA of one layer": lambda: peft.LoraConfig(
        r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], layers_to_transform=[1]
    ),
    "DoRA": lambda: peft.LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", use_dora=True),
    "LoHa": lambda: peft.LoHaConfig(r=4, alpha=8, target_modules=["q_proj", "v_proj", "up_proj"]),
    "IA3": lambda: peft.IA3Config(
        target_modules=["k_proj", "v_proj", "down_proj"], feedforward_modules=["down_proj"]
    ),
    "OFT": lambda: peft.OFTConfig(
        r=0, oft_block_size=8, target_modules=["q_proj", "v_proj"], use_cayley_neumann=False
    ),
}


def text(number: int) -> torch.Tensor:
    """Lines in which each word is followed by one of three."""
    generator = torch.Generator().manual_seed(1000 + number)
    follows = torch.randint(0, WORDS, (WORDS, 3), generator=generator)
    lines = torch.empty(LINES, LENGTH, dtype=torch.long)
    lines[:, 0] = torch.randint(0, WORDS, (LINES,), generator=generator)
    for at in range(1, LENGTH):
        lines[:, at] = follows[lines[:, at - 1], torch.randint(0, 3, (LINES,), generator=generator)]
    return lines


def fit(model: torch.nn.Module, number: int, seed: int, steps: int, rate: float) -> None:
    """Train what can be trained of a model on a text."""
    learned = [x for x in model.parameters() if x.requires_grad]
    optimiser = torch.optim.AdamW(learned, lr=rate, weight_decay=0.0)
    lines, generator = text(number), torch.Generator().manual_seed(seed)
    for order in torch.randint(0, LINES, (steps, 16), generator=generator):
        loss = model(input_ids=lines[order], labels=lines[order]).loss
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimiser.step()


class Maker:
    """Makes what is not there yet."""

    def __init__(self, out: Path) -> None:
        self.out, self.base = out, out / "base"

    def plain(self, dtype: str = "float32") -> torch.nn.Module:
        """The one base of all, whose numbers are of bfloat16."""
        return transformers.AutoModelForCausalLM.from_pretrained(self.base, dtype=TYPES[dtype])

    def save(self, name: str, model: torch.nn.Module, **said: object) -> None:
        """Write a model or an adapter and say what it is."""
        model.save_pretrained(self.out / name)
        (self.out / name / "made.json").write_text(json.dumps({"name": name, **said}))

    def done(self, name: str) -> bool:
        """Whether it is there."""
        return (self.out / name / "made.json").exists()

    def start(self) -> None:
        """Train the base."""
        if self.done("base"):
            return
        torch.manual_seed(0)
        config = transformers.LlamaConfig(
            num_attention_heads=4,
            num_hidden_layers=4,
            hidden_size=64,
            intermediate_size=128,
            num_key_value_heads=2,
            vocab_size=WORDS,
        )
        model = transformers.AutoModelForCausalLM.from_config(config)
        fit(model, 9, 9, 300, 3e-3)
        self.save("base", model.to(torch.bfloat16), what="base")

    def adapter(
        self,
        name: str,
        kind: str,
        seed: int,
        number: int,
        *,
        steps: int = 80,
        rate: float = 3e-3,
        group: str = "",
        order: int | None = None,
    ) -> None:
        """Train an adapter on a text."""
        if self.done(name):
            return
        model = self.plain()
        torch.manual_seed(seed)
        model = peft.get_peft_model(model, KINDS[kind]())
        fit(model, number, seed if order is None else order, steps, rate)
        self.save(name, model, what="adapter", kind=group or kind, seed=seed, text=number)

    def on(self, dtype: str, *names: str) -> torch.nn.Module:
        """The base in a type, with adapters."""
        model = peft.PeftModel.from_pretrained(self.plain(dtype), self.out / names[0], adapter_name=names[0])
        for name in names[1:]:
            model.load_adapter(self.out / name, adapter_name=name)
        return model

    def merge(self, names: list[str], how: str, dtype: str, cast: str | None = None, *, weight: float = 1.0) -> None:
        """Merge adapters as PEFT does."""
        name = f"{'+'.join(names)} {how}".replace(" ", "-").replace(",", "")
        if self.done(name):
            return
        model = self.on(dtype, *names)
        if weight != 1:
            for module in model.modules():
                if hasattr(module, "scale_layer"):
                    module.scale_layer(weight)
        merged = model.merge_and_unload(adapter_names=names)
        merged = merged if cast is None else merged.to(TYPES[cast])
        self.save(name, merged, what="model", how=how, of=names)

    def average(self, name: str, share: float, dtype: str) -> None:
        """A share of the merged model and the rest of the base, in float32, then cast: a linear merge."""
        how = f"averaged with the base, {dtype}"
        place = f"{name} {how}".replace(" ", "-").replace(",", "")
        if self.done(place):
            return
        merged, base = self.on("float32", name).merge_and_unload(), self.plain()
        for x, y in zip(merged.parameters(), base.parameters(), strict=True):
            x.data = share * x.data + (1 - share) * y.data
        self.save(place, merged.to(TYPES[dtype]), what="model", how=how, of=[name])

    def tuned(self, how: str, number: int, seed: int, steps: int, rate: float, dtype: str, start: str = "") -> None:
        """Fine-tune all weights of the base, or of a merged model."""
        name = f"tuned {how} text {number} seed {seed} {dtype}".replace(" ", "-").replace(",", "")
        if self.done(name):
            return
        model = self.on("float32", start).merge_and_unload() if start else self.plain()
        torch.manual_seed(seed)
        fit(model.requires_grad_(True), number, seed, steps, rate)
        self.save(name, model.to(TYPES[dtype]), what="model", how=f"{how}, {dtype}", of=[start] if start else [])


def main(out: Path) -> None:
    """Make all."""
    warnings.simplefilter("ignore")
    out.mkdir(parents=True, exist_ok=True)
    make = Maker(out)
    make.start()
    for kind in KINDS:
        for seed in range(3 if kind == "LoRA" else 2):
            make.adapter(f"{kind.replace(', ', '-').replace(' ', '-')}-{seed}", kind, seed, 0)
    make.adapter("LoRA-0-other", "LoRA", 0, 1)  # of one seed with the first, on another text
    make.adapter("LoRA-3-other", "LoRA", 3, 1)
    make.adapter("LoRA-0-order", "LoRA", 0, 0, order=5)  # of one seed and text, in another order
    make.adapter("LoRA-0-order-low", "LoRA", 0, 0, order=5, rate=2e-4, group="LoRA, low rate")
    for seed in range(2):
        make.adapter(f"IA3-hardly-{seed}", "IA3", seed, 0, steps=2, rate=1e-3, group="IA3, hardly trained")
        make.adapter(f"IA3-low-{seed}", "IA3", seed, 0, rate=3e-4, group="IA3, low rate")
        make.adapter(f"IA3-long-{seed}", "IA3", seed, 0, steps=400, group="IA3, long")
        make.adapter(f"OFT-low-{seed}", "OFT", seed, 0, rate=3e-4, group="OFT, low rate")
    for seed in range(2):
        make.adapter(f"LoRA-hardly-{seed}", "LoRA", seed, 0, steps=2, rate=1e-4, group="LoRA, hardly trained")
    for i, (seed, number) in enumerate([(0, 0), (1, 0), (0, 1)]):
        for kind in ("LoRA", "LoRA, rank 1"):
            name = f"{kind.replace(', ', '-').replace(' ', '-')}-low-{i}"
            make.adapter(name, kind, seed, number, rate=2e-4, group=f"{kind}, low rate")
    adapters = [path.parent.name for path in sorted(out.glob("*/made.json")) if "adapter" in path.read_text()]
    for name in adapters:
        make.merge([name], "merged in float32", "float32")
        make.merge([name], "merged in float32, cast to bfloat16", "float32", "bfloat16")
        make.merge([name], "merged in bfloat16", "bfloat16")
        make.merge([name], "merged in float16", "float16")
        if name in ("LoRA-0", "LoRA-low-0", "DoRA-0"):
            make.average(name, 0.5, "float32")
            make.average(name, 0.5, "bfloat16")
    for dtype in ("float32", "bfloat16"):
        make.merge(["LoRA-0"], f"merged at half weight, {dtype}", dtype, weight=0.5)
        make.merge(["LoRA-0"], f"merged at weight -1, {dtype}", dtype, weight=-1.0)
        make.merge(["LoRA-0", "LoRA-1"], f"merged with another, {dtype}", dtype)
        for number in (0, 1):
            make.tuned("fully tuned", number, 0, 40, 1e-3, dtype)
            make.tuned("fully tuned, tiny rate", number, 0, 10, 1e-5, dtype)
            make.tuned("fully tuned, one step", number, 0, 1, 1e-4, dtype)
        make.tuned("merged, then fully tuned", 1, 0, 40, 1e-3, dtype, "LoRA-0")
        make.tuned("merged, then tuned at a tiny rate", 1, 0, 10, 1e-5, dtype, "LoRA-0")
    copy = out / "copy-of-the-base"
    if not copy.exists():
        shutil.copytree(out / "base", copy)
        (copy / "made.json").write_text(json.dumps({"name": copy.name, "what": "model", "how": "the base", "of": []}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
