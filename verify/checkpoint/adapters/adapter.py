"""An adapter merged with its base model as the two are read.

PEFT (https://huggingface.co/docs/peft) stores small tensors beside a module of weight W, such as ``lora_A`` and
``lora_B``; each algorithm is a file of its own. Other tensors of an adapter (biases, modules trained whole) replace
those of the base.

A base that an adapter only names is never opened: the caller must give it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...base import DamagedError, OptionError, UnsupportedError
from ..formats.gguf_adapters import of_base
from ..formats.tensor import Tensor
from ..layouts.naming import PEFT_PREFIX
from ..places.hub import REPOSITORY
from ..places.place import Location, settings_in
from ..source import Source
from . import experts
from .kind import Change
from .kinds import DRAWN, KINDS, ONLY_WITH, PART, SHARED, UNMERGEABLE, UNMERGEABLE_SETTINGS
from .names import Names
from .overlay import AdapterOverBase, BaseFile
from .recognise import is_adapter
from .settings import CONFIG, ELSEWHERE, Settings, Tensors

_WRAPPER = re.compile(r"\.(?:base_layer|modules_to_save|ln_tuning_layers)(?=\.\w+$)")
_OF_PEFT = re.compile(
    r"(?:^|\.)(?:\w*oft|\w*lora|\w*ft|beft|c3a|hada|hira|hra|ia3|lokr|miss|p?vera|road|shira|supertuning|token_adapter"
    r"|trainable_tokens)(?:_\w+)?(?:\.|$)"
)
_SHARED = "base_model."
_LONGEST = 500  # characters of a tensor's name
_SHOWN = 3  # names in a message
_UNCHANGED_BASE = (None, True, False, "gaussian", "eva", "orthogonal")
"""Values of ``init_lora_weights`` that leave the base unchanged; with others, training starts from a changed base."""


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
    config = settings_of(source)
    _check_mergeable(source.name, config)
    if location.base is None:
        rank = config.get("r")
        said = config["peft_type"] + (f", rank {rank!r:.20}" if rank is not None else "")
        raise OptionError(
            f"{source.name} is an adapter ({said}) of {_named_base(config)}, not a whole model; give the path or "
            "address of that model as its base (--base, or --base-a and --base-b)."
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
    config = settings_of(source)
    modules, others, shared = _sorted_out(source.name, of_base(adapter, base.config))
    settings, names = Settings(source.name, config, shared), Names(found)
    changes = _changes(settings, modules, names)
    placed = {name: names.find(name) for name in changes}
    whole = {name: names.find(name) for name in others}
    added = {name for name, target in whole.items() if target is None and _may_be_added(name, config)}
    lost = [name for name, target in (placed | whole).items() if target is None and name not in added]
    if lost:
        listed = ", ".join(repr(name.removesuffix(".weight"))[:100] for name in lost[:_SHOWN])
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
    for name, change in changes.items():
        target = str(placed[name])
        merged[target] = change(merged[target])
    for names_of in (placed, whole):
        if len({target or name for name, target in names_of.items()}) < len(names_of):
            raise DamagedError(f"{source.name} changes a tensor of {base.name} twice; expected it once; {ELSEWHERE}.")
    own = [] if _in_gguf(source) else [source.place.file(CONFIG)]
    files = [*own, *source.weights, *(BaseFile(file) for file in base.weights)]
    both = AdapterOverBase(source.place, base.place, _declared_by(config))
    weights = tuple(sorted(files, key=lambda file: file.name))
    return replace(source, place=both, weights=weights, index=None, config=base.config | vocab), merged


# ---- what it is


def settings_of(source: Source) -> dict[str, Any]:
    """Content of an adapter's ``adapter_config.json``; of one in GGUF, the same by the file itself.

    Raises
    ------
    CheckpointError
        If there is none, or it is damaged.
    """
    if _in_gguf(source):
        return source.config
    if CONFIG not in source.place.list_files():
        raise DamagedError(
            f"{source.name} is an adapter, and no {CONFIG} lies beside it; obtain that file too, or {ELSEWHERE} (as "
            "of diffusers' and kohya's adapters, which have none)."
        )
    return settings_in(source.place, CONFIG)


def _in_gguf(source: Source) -> bool:
    return all(file.name.lower().endswith(".gguf") for file in source.weights)


def is_drawn(config: dict[str, Any]) -> bool:
    """Whether the numbers of an adapter were drawn by chance before its training, by its settings.

    Parameters
    ----------
    config : content of its ``adapter_config.json``.
    """
    return config.get("peft_type") in DRAWN and config.get("init_lora_weights") in (None, True, False, "gaussian")


def _check_mergeable(name: str, config: dict[str, Any]) -> None:
    """Refuse adapters whose algorithm or settings are not merged here."""
    kind, start, base = config.get("peft_type"), config.get("init_lora_weights"), _named_base(config)
    no_tool = UNMERGEABLE.get(kind) if isinstance(kind, str) else None
    no_tool = no_tool or next((why for key, why in UNMERGEABLE_SETTINGS.items() if config.get(key)), None)
    if no_tool is not None:
        raise UnsupportedError(
            f"{name} is an adapter of type {kind!r:.40} of {base}, which {no_tool}, so there are no merged weights; "
            "the base is what there is to compare."
        )
    kinds = KINDS.get(kind) if isinstance(kind, str) else None
    needed, saved = ONLY_WITH.get(str(kind)), ""
    if kinds is None:
        wrong = f"an adapter of type {kind!r:.40}"
    elif kind == "LORA" and start not in _UNCHANGED_BASE:
        wrong = f"an adapter whose init_lora_weights ({start!r:.40}) changes the base before training"
        saved = "save it with peft's path_initial_model_for_weight_conversion, or "
    elif needed is not None and config.get(needed) is not True:
        wrong, saved = f"an adapter of type {kind!r:.40} without {needed}", f"save it with {needed}=True, or "
    elif used := next((key for one in kinds for key in one.refused if config.get(key)), None):
        wrong = f"an adapter with {used}"
    else:
        return
    raise UnsupportedError(
        f"{name} is {wrong}, of {base}, which cannot be merged here ({', '.join(KINDS)} can); {saved}{ELSEWHERE}."
    )


def _named_base(config: dict[str, Any]) -> str:
    name = config.get("base_model_name_or_path")
    printable = isinstance(name, str) and name.isprintable() and name
    return f"{name!r:.120}" if printable else "a base that it does not name"


def _declared_by(config: dict[str, Any]) -> tuple[str, ...]:
    """The base that the settings name, unless it is a path on somebody's machine."""
    name = config.get("base_model_name_or_path")
    return (name,) if isinstance(name, str) and REPOSITORY.fullmatch(name) else ()


def _sorted_out(name: str, adapter: Tensors) -> tuple[dict[str, Tensors], Tensors, Tensors]:
    """Parts of changes, by module; replacement tensors, and tensors that modules share, by name."""
    modules: dict[str, Tensors] = {}
    others: Tensors = {}
    shared: Tensors = {}
    for stored, tensor in adapter.items():
        if stored.removeprefix(_SHARED) in SHARED:
            shared[stored.removeprefix(_SHARED)] = tensor
            continue
        short = stored.removeprefix(PEFT_PREFIX)
        match = PART.fullmatch(short)
        understood = (
            stored.startswith(PEFT_PREFIX) and len(stored) <= _LONGEST and (match or not _OF_PEFT.search(short))
        )
        module, key = (match["module"], match["part"]) if match else ("", _WRAPPER.sub("", short))
        into = modules.setdefault(module, {}) if match else others
        if not understood or key in into:
            raise UnsupportedError(
                f"{name} has the tensor {stored!r:.200}, which is not understood; expected "
                f"{PEFT_PREFIX}MODULE.lora_A.weight, lora_B.weight and the like, each once; {ELSEWHERE}."
            )
        into[key] = tensor
    if not modules and not others:
        raise DamagedError(f"{name} is an adapter without tensors; obtain it again.")
    return modules, others, shared


# ---- changes to the base


def _changes(settings: Settings, modules: Mapping[str, Tensors], names: Names) -> dict[str, Change]:
    """Changes by the name of the changed tensor."""
    matrices, roots = experts.split(settings, modules, names)
    result: dict[str, Change] = {}
    for root in roots:
        result |= experts.changes(settings, root, modules, names)
    for module, parts in matrices.items():
        kinds = KINDS[settings.config["peft_type"]]
        kind = next((one for one in kinds if {*parts} <= {*one.parts}), None)
        if kind is None:
            expected = " or ".join(", ".join(one.parts[:_SHOWN]) for one in kinds) or "norms alone"
            raise settings.parts_missing(module, parts, expected)
        result |= kind.changes(settings, module, parts, names)
    return result


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
