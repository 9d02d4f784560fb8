"""A LoRA adapter merged with its base model as the two are read.

PEFT (https://huggingface.co/docs/peft) stores ``lora_A`` [r, in] and ``lora_B`` [out, r] beside a module of weight W;
merged, the weight is W + s B A with s = alpha / r (Hu et al. 2021, arXiv 2106.09685) or alpha / sqrt(r)
(Kalajdzievski 2023, arXiv 2312.03732); with DoRA, each output's weights are then scaled to a learned length (Liu et
al. 2024, arXiv 2402.09353). Other tensors of an adapter (biases, modules trained whole) replace those of the base.

A base that an adapter only names is never opened: the caller must give it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from math import sqrt
from typing import Any

from ...base import CheckpointError, DamagedError, OptionError, UnsupportedError
from ..formats.tensor import Tensor
from ..hostile import parse_json_object
from ..layouts.naming import PEFT_PREFIX
from ..places.hub import REPOSITORY
from ..places.place import Location
from ..source import Source
from .low_rank import Factor, LowRank
from .overlay import AdapterOverBase, BaseFile

_CONFIG = "adapter_config.json"
_WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
_PART = re.compile(r"(.+)\.(lora_[AB]|lora_embedding_[AB]|lora_magnitude_vector)(?:\.weight)?")
_FACTOR = re.compile(
    r"(?:^|\.)(?:lora_(?:embedding_)?[abAB]|lora_magnitude_vector|ia3_l|hada_w\d|lokr_w\d|b?oft_[rRsS]|vera_lambda_[bd])"
    r"(?:[._]|$)"
)
"""Suffixes that PEFT adds to the name of the changed module."""
_WRAPPER = re.compile(r"\.(?:base_layer|modules_to_save)(?=\.\w+$)")
_LITERAL = re.compile(r"\^?[\w.-]+")
_LONGEST = 500  # characters of a tensor's name
_LARGEST_ALPHA = 1e9
_SHOWN = 3  # names in a message
_UNCHANGED_BASE = (None, True, False, "gaussian", "eva", "orthogonal")
"""Values of ``init_lora_weights`` that leave the base unchanged; with others, training starts from a changed base."""
_REFUSED = (
    "alora_invocation_tokens",
    "arrow_config",
    "kasa_config",
    "layer_replication",
    "lora_bias",
    "megatron_config",
    "monteclora_config",
    "target_parameters",
    "trainable_token_indices",
    "use_bdlora",
    "use_qalora",
)
"""Settings under which W + s B A is not the merged weight."""
_ELSEWHERE = "merge it with the tool that made it and give the merged model"

Tensors = dict[str, Tensor]


def base_of(location: Location, source: Source, found: Tensors) -> Location | None:
    """The location given for an adapter's base; None for a whole model.

    Parameters
    ----------
    location : where the model lies, with its base if one was given.
    source : files found there.
    found : tensors of these files, by name.

    Returns
    -------
    Location or None
        The base; None for a whole model.

    Raises
    ------
    CheckpointError
        If it is an adapter without a base or of a kind that cannot be merged, or if a base is given for a whole
        model.
    """
    if not is_adapter(source, found):
        if location.base is not None:
            raise OptionError(f"{source.name} is a whole model, and a base is given; leave the base out.")
        return None
    config = _config(source)
    _check_mergeable(source.name, config)
    if location.base is None:
        raise OptionError(
            f"{source.name} is an adapter (LoRA, rank {config.get('r')!r:.20}) of {_named_base(config)}, not a whole "
            "model; give the path or address of that model as its base (--base, or --base-a and --base-b)."
        )
    return Location(location.base, token=location.token, layout=location.layout, declare=location.declare)


def merge(source: Source, adapter: Tensors, base: Source, found: Tensors) -> tuple[Source, Tensors]:
    """Merge an adapter with its base; only headers are read.

    Parameters
    ----------
    source : files of the adapter.
    adapter : tensors of the adapter, by name.
    base : files of the base.
    found : tensors of the base, by name.

    Returns
    -------
    The files of both, those of the base under ``base/``, and the tensors of the base, changed where the adapter says.

    Raises
    ------
    CheckpointError
        If the base is itself an adapter, or a tensor of the adapter does not fit it.
    """
    if is_adapter(base, found):
        raise OptionError(f"{base.name}, given as the base of {source.name}, is an adapter; give a whole model.")
    config = _config(source)
    modules, others = _sorted_out(source.name, adapter)
    names = _Names(found)
    placed = {module: names.find(f"{module}.weight") for module in modules}
    whole = {name: names.find(name) for name in others}
    added = {name for name, target in whole.items() if target is None and _may_be_added(name, config)}
    lost = [name for name, target in (placed | whole).items() if target is None and name not in added]
    if lost:
        listed = ", ".join(repr(name)[:100] for name in lost[:_SHOWN])
        raise OptionError(
            f"{source.name} changes {len(lost)} modules that {base.name} does not have, such as {listed}; give the "
            "base that it was trained on."
        )
    merged, vocab = dict(found), dict[str, Any]()
    for name, tensor in others.items():
        target = whole[name] or name
        if target in found:
            vocab |= _replacing(source.name, name, tensor, found[target], base.config)
        merged[target] = tensor
    settings, into = _Settings(source.name, config), dict(merged)
    for module, parts in modules.items():
        target = str(placed[module])
        merged[target] = _low_rank(settings, module, parts, into[target])
    for names_of in (placed, whole):
        if len({target or name for name, target in names_of.items()}) < len(names_of):
            raise DamagedError(
                f"{source.name} changes a tensor of {base.name} twice; expected it once; {_ELSEWHERE}."
            )
    files = [source.place.file(_CONFIG), *source.weights, *(BaseFile(file) for file in base.weights)]
    both = AdapterOverBase(source.place, base.place, _declared_by(config))
    weights = tuple(sorted(files, key=lambda file: file.name))
    return replace(source, place=both, weights=weights, index=None, config=base.config | vocab), merged


# ---- settings of the adapter


def is_adapter(source: Source, found: Tensors) -> bool:
    """Whether tensors are low-rank changes of absent matrices, or the only file has PEFT's name for adapters.

    Prefixes are not used; a model that holds both its matrices and changes of them counts as whole.
    """
    changed = {name[: match.start()] for name in found if (match := _FACTOR.search(name))}
    here = ("weight", "qweight", "base_layer.weight", "base_layer.qweight")
    lacking = any(not any(f"{module}.{part}" in found for part in here) for module in changed)
    return lacking or any([file.name for file in source.weights] == [name] for name in _WEIGHTS)


def _config(source: Source) -> dict[str, Any]:
    if _CONFIG not in source.place.list_files():
        raise DamagedError(f"{source.name} is an adapter, and no {_CONFIG} lies beside it; obtain that file too.")
    return parse_json_object(source.place.read_bytes(_CONFIG), _CONFIG)


def _check_mergeable(name: str, config: dict[str, Any]) -> None:
    """Refuse adapters that W + s B A does not describe."""
    kind, start = config.get("peft_type"), config.get("init_lora_weights")
    wrong = None
    if kind != "LORA":
        wrong = f"an adapter of type {kind!r:.40}"
    elif start not in _UNCHANGED_BASE:
        wrong = f"an adapter whose init_lora_weights ({start!r:.40}) changes the base before training"
    elif used := next((key for key in _REFUSED if config.get(key)), None):
        wrong = f"an adapter with {used}"
    if wrong is not None:
        raise UnsupportedError(
            f"{name} is {wrong}, of {_named_base(config)}, which cannot be merged here (plain LoRA, rsLoRA and DoRA "
            f"can); {_ELSEWHERE}."
        )


def _named_base(config: dict[str, Any]) -> str:
    name = config.get("base_model_name_or_path")
    printable = isinstance(name, str) and name.isprintable() and name
    return f"{name!r:.120}" if printable else "a base that it does not name"


def _declared_by(config: dict[str, Any]) -> tuple[str, ...]:
    """The base that the settings name, unless it is a path on somebody's machine."""
    name = config.get("base_model_name_or_path")
    return (name,) if isinstance(name, str) and REPOSITORY.fullmatch(name) else ()


class _Settings:
    """Rank and scale of each module."""

    def __init__(self, name: str, config: dict[str, Any]) -> None:
        self.name = name
        self.dora, self.fan_in_fan_out, self._root = (
            config.get(key) is True for key in ("use_dora", "fan_in_fan_out", "use_rslora")
        )
        self._default = {"r": config.get("r"), "lora_alpha": config.get("lora_alpha")}
        self._patterns = {
            "r": self._literal("rank_pattern", config),
            "lora_alpha": self._literal("alpha_pattern", config),
        }

    def rank(self, module: str) -> int:
        value = self._of("r", module)
        if type(value) is not int or not 1 <= value < 1 << 20:
            raise self._wrong("r", module, value, "a rank of at least 1")
        return value

    def scale(self, module: str) -> float:
        alpha, rank = self._of("lora_alpha", module), self.rank(module)
        if type(alpha) not in (int, float) or not -_LARGEST_ALPHA <= alpha <= _LARGEST_ALPHA:
            raise self._wrong("lora_alpha", module, alpha, "a number")
        return float(alpha) / (sqrt(rank) if self._root else rank)

    def _of(self, key: str, module: str) -> Any:
        """The value of the first pattern equal to the module's name, or to its end after a dot; else the default."""
        parts = module.split(".")
        names = [".".join(parts[i:]) for i in range(len(parts))] + ["^" + module]
        patterns = self._patterns[key]
        hits = [patterns[name] for name in names if name in patterns]
        return min(hits, key=lambda hit: hit[0])[1] if hits else self._default[key]

    def _literal(self, key: str, config: dict[str, Any]) -> dict[str, tuple[int, Any]]:
        """Position and value by pattern; untrusted regular expressions are never run."""
        patterns = config.get(key) or {}
        if not isinstance(patterns, dict):
            raise DamagedError(f"{_CONFIG} of {self.name} gives {key} as {patterns!r:.60}; expected an object.")
        for pattern in patterns:
            if not _LITERAL.fullmatch(pattern):
                raise UnsupportedError(
                    f"{_CONFIG} of {self.name} has the {key} {pattern!r:.80}; expected names of modules; "
                    f"{_ELSEWHERE}."
                )
        return {pattern: (i, value) for i, (pattern, value) in enumerate(patterns.items())}

    def _wrong(self, key: str, module: str, value: Any, expected: str) -> CheckpointError:
        return DamagedError(
            f"{_CONFIG} of {self.name} gives {key} of {module!r:.120} as {value!r:.40}; expected {expected}; obtain "
            "it again."
        )


def _sorted_out(name: str, adapter: Tensors) -> tuple[dict[str, Tensors], Tensors]:
    """Parts of low-rank changes, by module; and replacement tensors, by name."""
    modules: dict[str, Tensors] = {}
    others: Tensors = {}
    for stored, tensor in adapter.items():
        short = stored.removeprefix(PEFT_PREFIX)
        match = _PART.fullmatch(short)
        understood = stored.startswith(PEFT_PREFIX) and len(stored) <= _LONGEST and (match or "lora_" not in short)
        module, key = (match[1], match[2]) if match else ("", _WRAPPER.sub("", short))
        into = modules.setdefault(module, {}) if match else others
        if not understood or key in into:
            raise UnsupportedError(
                f"{name} has the tensor {stored!r:.200}, which is not understood; expected "
                f"{PEFT_PREFIX}MODULE.lora_A.weight, lora_B.weight and the like, each once; {_ELSEWHERE}."
            )
        into[key] = tensor
    if not modules and not others:
        raise DamagedError(f"{name} is an adapter without tensors; obtain it again.")
    return modules, others


# ---- changes to the base


class _Names:
    """Names of a base's tensors, matched with or without their first part, which only a model with a head has."""

    def __init__(self, base: Tensors) -> None:
        self._base, self._shorter = base, dict[str, list[str]]()
        for name in base:
            self._shorter.setdefault(name.partition(".")[2], []).append(name)

    def find(self, name: str) -> str | None:
        """The tensor for a name; None if there is none or more than one."""
        if name in self._base:
            return name
        shorter = name.partition(".")[2]
        found = [*([shorter] if shorter in self._base else ()), *self._shorter.get(name, ())]
        return found[0] if len(found) == 1 else None


def _low_rank(settings: _Settings, module: str, parts: Tensors, base: Tensor) -> LowRank:
    embedding = "lora_embedding_A" in parts
    a, b = (parts.get(f"lora_{'embedding_' if embedding else ''}{which}") for which in "AB")
    lengths = parts.get("lora_magnitude_vector")
    if a is None or b is None or len(parts) != 2 + (lengths is not None):
        raise DamagedError(
            f"{settings.name} has of {module!r:.200} only {', '.join(sorted(parts))}; expected one A and one B; "
            "obtain it again."
        )
    if (lengths is not None) is not settings.dora or (embedding and settings.dora):
        raise DamagedError(
            f"{settings.name} gives use_dora as {settings.dora}, and of {module!r:.200} {', '.join(sorted(parts))}; "
            f"expected lora_magnitude_vector with DoRA only, and no DoRA of embeddings; {_ELSEWHERE}."
        )
    rank = settings.rank(module)
    turned = embedding or (settings.fan_in_fan_out and not base.is_out_in)  # the stored matrix is [in, out]
    size = base.shape[::-1] if turned else base.shape
    outputs = size[:1]
    expected = {"A": (rank, *size[1:]), "B": (*outputs, rank)}
    shapes = {"A": a.shape, "B": b.shape} | ({} if lengths is None else {"magnitude": lengths.shape})
    expected |= {} if lengths is None else {"magnitude": outputs}
    if len(size) != 2 or rank > max(size, default=0) or shapes != expected:
        raise OptionError(
            f"{settings.name} changes {module!r:.200} by {_listed(shapes)} at rank {rank}, which does not fit the "
            f"shape {list(base.shape)} in the base (fan_in_fan_out {settings.fan_in_fan_out}); give the base that it "
            "was trained on."
        )
    left, right = (Factor(a, True), Factor(b, True)) if turned else (Factor(b, False), Factor(a, False))
    return LowRank(base, left, right, settings.scale(module), lengths, 1 if turned else 0)


def _may_be_added(name: str, config: dict[str, Any]) -> bool:
    """Whether a tensor that the base lacks is a new head, which no test reads."""
    saved = config.get("modules_to_save")
    parts = name.split(".")
    return isinstance(saved, list) and not _in_layer(name) and any(part in saved for part in parts[:-1])


def _replacing(adapter: str, name: str, tensor: Tensor, base: Tensor, config: dict[str, Any]) -> dict[str, Any]:
    """Changes to the configuration; a tensor must have the replaced one's shape, or be embeddings of more tokens."""
    if tensor.shape == base.shape:
        return {}
    by_token = len(base.shape) == 2 and not _in_layer(name) and config.get("vocab_size") == base.shape[0]
    if not by_token or tensor.shape[1:] != base.shape[1:]:
        raise OptionError(
            f"{adapter} replaces {name!r:.200} of shape {list(base.shape)} by one of {list(tensor.shape)}; give the "
            "base that it was trained on."
        )
    return {"vocab_size": tensor.shape[0]}


def _in_layer(name: str) -> bool:
    return any(part.isdigit() for part in name.split("."))


def _listed(shapes: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {list(shape)}" for name, shape in shapes.items())
