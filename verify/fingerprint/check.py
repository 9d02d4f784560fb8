"""Validate an untrusted fingerprint: its numbers, texts, arrays and values must agree with its record.

Numbers are bounded before they size any array or loop, so that a file of a few kilobytes cannot cost gigabytes or
hours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..base import FingerprintError
from ..checkpoint import KINDS, MOST_DECLARED, MOST_GROUPS, MOST_PARTS, is_name
from .anchors import ANCHORS, numbered_rows
from .layout import STATE, ArraySpec, bundle_group, bundles, components, key_size, specs, table
from .unused import in_frozen_order

if TYPE_CHECKING:
    from .record import FingerprintRecord

MOST_STRANGE = 1 << 12
"""Largest number of unknown tensors that are listed one by one."""

_SKETCH_VERSIONS = (2, 3)
_COUNTS = {
    "layers": (1, 4096),
    "width": (1, 1 << 20),
    "vocab": (0, 1 << 31),
    "heads": (0, 1 << 12),
    "kv_heads": (0, 256),
    "head_size": (0, 1 << 16),
    "hidden": (0, 1 << 20),
    "experts": (0, 2048),
    "expert_hidden": (0, 1 << 20),
    "shared_hidden": (0, 1 << 20),
    "expert_group": (0, 2048),
    "key_size": (0, 1 << 16),
    "rotary_size": (0, 1 << 16),
    "latent": (0, 1 << 20),
    "latent_query": (0, 1 << 20),
    "state_heads": (0, 1 << 14),
    "state_size": (0, 1 << 16),
}
_MOST_BLOCKS = 1 << 15  # kv heads, or experts, over all layers
_LARGEST_NUMBER = (1 << 53) - 1  # the largest integer of canonical JSON
_LONGEST_NAME = 255
_MOST_PARTS = 3
_LONGEST_BASE = 512
_LONGEST_TENSOR = 1 << 10

Arrays = Mapping[str, NDArray[Any]]


def check_record(record: FingerprintRecord) -> None:
    """Refuse a record whose numbers or texts no fingerprint could have.

    Raises
    ------
    FingerprintError
        With the entry, its value and what was expected; the caller adds the file's name.
    """
    _check_sizes(record)
    for where, value in _leaves(record.model_dump(), "record"):
        if isinstance(value, int):
            _expect(0 <= value <= _LARGEST_NUMBER, where, value, "a count below 2**53")
        elif isinstance(value, str):
            _expect(value.isprintable(), where, value, "printable characters")
    parts = record.name.split("/")  # org/model, and a folder below it
    short = len(record.name) <= _LONGEST_NAME and len(parts) <= _MOST_PARTS and {"", ".", ".."}.isdisjoint(parts)
    _expect(short, "name", record.name, f"at most {_LONGEST_NAME} characters and no path")
    bases = (*record.declared_bases, *filter(None, (record.merged_onto, record.declared_relation)))
    few = len(record.declared_bases) <= MOST_DECLARED
    _expect(few, "number of declared_bases", len(record.declared_bases), f"<= {MOST_DECLARED}")
    for base in bases:
        _expect(len(base) <= _LONGEST_BASE, "a base", base, f"at most {_LONGEST_BASE} characters")
    _expect(len(record.files) > 0, "files", (), "at least one weight file")
    anchors = record.anchors
    _expect(len(anchors) <= record.sketch.anchors, "number of anchors", len(anchors), f"<= {record.sketch.anchors}")
    if record.pairing == "tokens":
        ascending = all(low < high for low, high in zip((-1, *anchors), (*anchors, len(ANCHORS)), strict=True))
        _expect(ascending, "anchors", anchors, f"ascending positions below {len(ANCHORS)}")
    else:
        rows = numbered_rows(record.architecture.vocab, record.sketch.anchors)
        _expect(anchors == rows, "anchors", anchors, "the numbers of rows that its size of the vocabulary gives")
    _check_unused(record)
    for dead in record.dead:
        known = dead.component in ("units", "values") and dead.layer < record.architecture.layers
        _expect(known, "dead", f"{dead.component} of layer {dead.layer}", "units or values of a layer that exists")
    _check_inventory(record)


def _check_unused(record: FingerprintRecord) -> None:
    """Check that unused tokens are few, have names of the table, and are in the frozen order."""
    names, most = record.unused, min(record.sketch.unused, record.architecture.vocab)
    _expect(len(names) <= most, "number of unused tokens", len(names), f"<= {most}")
    for name in names:
        _expect(is_name(name), "an unused token", name, "a name that no text contains")
    ordered = list(names) == in_frozen_order(names)
    _expect(ordered, "unused tokens", names[:3], "different names in their frozen order")


def check_parts(main: FingerprintRecord, further: Sequence[FingerprintRecord]) -> None:
    """Refuse further parts unless they are those that the main record lists, each once.

    Raises
    ------
    FingerprintError
        As :func:`check_record`.
    """
    told = [part.name for part in main.parts if part.family]
    names = [one.part for one in further]
    _expect(sorted({main.part, *names}) == sorted({main.part, *told}), "further parts", names, f"those of {told}")
    _expect(len(names) == len(set(names) - {main.part}), "further parts", names, "each part once")
    tables = {part.name: part.family for part in main.parts}
    for one in further:
        same = one.architecture.family == tables[one.part]
        _expect(
            same, f"table of part {one.part!r:.60}", one.architecture.family, "that which the parts are listed with"
        )
        for field in ("name", "files", "effort", "sketch", "content_sha256"):
            same = getattr(one, field) == getattr(main, field)
            _expect(same, f"{field} of part {one.part!r:.60}", getattr(one, field), "that of the whole model")
        _expect(not one.parts and not one.rest, f"parts of part {one.part!r:.60}", len(one.parts), "none of its own")


def _check_inventory(record: FingerprintRecord) -> None:
    """Check that parts are few and have different names, that this is an understood one, and the unknown tensors."""
    names = [part.name for part in record.parts]
    most = MOST_PARTS + MOST_GROUPS + 1
    _expect(len(names) <= most, "number of parts", len(names), f"<= {most}")
    _expect(len(set(names)) == len(names), "parts", names, "different names")
    for text in (*names, *(part.kind for part in record.parts), record.part):
        _expect(len(text) <= _LONGEST_TENSOR, "a part", text, f"at most {_LONGEST_TENSOR} characters")
    if record.parts:
        own = {part.name: part.family for part in record.parts}.get(record.part)
        _expect(own == record.architecture.family, "part", record.part, "one of its parts, read by its table")
        _expect(
            names[0] == record.part, "first of the parts", names[0], f"{record.part!r:.60}, the one that it is of"
        )
    for part in record.parts:
        _expect(part.kind in KINDS, f"kind of part {part.name!r:.60}", part.kind, "a kind of part that is known")
    for what, numbers in (
        ("parts", sum(part.numbers for part in record.parts)),
        ("rest", sum(tensor.numbers for tensor in record.rest)),
    ):
        _expect(numbers <= _LARGEST_NUMBER, f"numbers of {what}", "more", "a count below 2**53")
    _expect(len(record.rest) <= MOST_STRANGE, "number of tensors in rest", len(record.rest), f"<= {MOST_STRANGE}")
    listed = [tensor.name for tensor in record.rest]
    _expect(listed == sorted(set(listed)), "rest", listed[:3], "different names in order")


def check_arrays(record: FingerprintRecord, arrays: Arrays) -> None:
    """Refuse arrays other than those that the (already checked) record describes.

    Raises
    ------
    FingerprintError
        With the array, what it is and what was expected; the caller adds the file's name.
    """
    expected = _expected(record, arrays)
    for name in sorted(expected.keys() | arrays.keys()):
        if name not in expected:
            raise FingerprintError(f"has an array {name!r:.80}, which no fingerprint of its architecture has")
        if name not in arrays:
            raise FingerprintError(f"lacks the array {name!r}, which its architecture asks for")
        found = (arrays[name].dtype.name, arrays[name].shape)
        wanted = (expected[name].dtype, expected[name].shape)
        _expect(found == wanted, f"array {name!r}", found, f"{wanted}")
    for name, array in arrays.items():
        _check_values(expected[name], array)


def _check_values(spec: ArraySpec, array: NDArray[Any]) -> None:
    """Check values: finite, and scaled as the table says, up to float16 rounding."""
    if spec.norm in ("trace", "largest"):
        least = -1.001 if spec.norm == "trace" else 0.0
        sound = np.all((array >= least) & (array <= 1.001))  # False if not finite
        _expect(bool(sound), f"array {spec.name!r}", "a number out of range", f"finite numbers from {least:.0f} to 1")
    elif spec.norm != "none":
        together = {"whole": (1, -1), "planes": (*array.shape[:-2], -1)}.get(spec.norm.removeprefix("centred "))
        with np.errstate(all="ignore"):  # signalling NaNs, and infinities: refused below
            rows = array.astype(np.float64).reshape(together or array.shape)
            length = np.sqrt(np.square(rows).sum(-1))
            sound = np.all((length == 0) | (np.abs(length - 1) < 0.01))
        _expect(bool(sound), f"array {spec.name!r}", "a row of another length", "finite rows of length 1 or 0")


def _check_sizes(record: FingerprintRecord) -> None:
    shape = record.architecture
    for name, (least, most) in _COUNTS.items():
        value = getattr(shape, name)
        _expect(least <= value <= most, f"architecture.{name}", value, f"{least} to {most}")
    for name in ("kv_heads", "experts"):
        blocks = shape.layers * getattr(shape, name)
        _expect(blocks <= _MOST_BLOCKS, f"number of layers times {name}", blocks, f"<= {_MOST_BLOCKS}")
    for name in ("no_attention", "no_mlp"):
        layers = getattr(shape, name)
        ascending = all(low < high for low, high in zip((-1, *layers), (*layers, shape.layers), strict=True))
        _expect(ascending, f"architecture.{name}", layers, f"ascending layers below {shape.layers}")
    some = not shape.kv_heads or len(shape.no_attention) < shape.layers
    _expect(some, "architecture.no_attention", shape.no_attention, "a layer left that has the heads described")
    some = not (shape.hidden or shape.expert_hidden or shape.shared_hidden) or len(shape.no_mlp) < shape.layers
    _expect(some, "architecture.no_mlp", shape.no_mlp, "a layer left that has the units described")
    turned = (shape.rotary_size > 0) == (shape.rotary != "") and shape.rotary_size % 2 == 0
    _expect(turned, "architecture.rotary_size", shape.rotary_size, "an even number, 0 only where nothing is turned")
    most = key_size(shape)
    _expect(
        shape.rotary_size <= most, "architecture.rotary_size", shape.rotary_size, f"at most {most}, the head size"
    )
    apart = (
        shape.key_size > 0 if shape.latent else not shape.latent_query and (shape.kv_heads > 0 or not shape.key_size)
    )
    _expect(apart, "architecture.key_size", shape.key_size, f"channels behind a latent vector of {shape.latent}")
    _expect(
        set(record.components) <= set(components(record.sketch, record.effort)),
        "components",
        record.components,
        f"those that {record.effort} effort gives",
    )
    headed = (shape.kv_heads > 0) == (shape.head_size > 0) and shape.kv_heads <= shape.heads
    _expect(headed, "architecture.head_size", shape.head_size, f"channels for {shape.kv_heads} kv heads")
    paired = (shape.state_heads > 0) == (shape.state_size > 0)
    _expect(paired, "architecture.state_size", shape.state_size, f"channels for {shape.state_heads} heads of states")
    paired = (shape.experts > 0) == (shape.expert_hidden > 0)
    _expect(paired, "architecture.expert_hidden", shape.expert_hidden, f"units for {shape.experts} experts")
    _expect(
        record.sketch.version in _SKETCH_VERSIONS,
        "sketch.version",
        record.sketch.version,
        f"{' or '.join(map(str, _SKETCH_VERSIONS))}, the sketches that this version of verify knows",
    )


def _expected(record: FingerprintRecord, present: Arrays) -> dict[str, ArraySpec]:
    """Required arrays by name: all of every group that is present, and some MLP arrays in every layer."""
    whole = specs(record.architecture, record.sketch, len(record.anchors), unused=len(record.unused))
    groups = {spec.group for spec in whole if spec.name in present}
    kinds = [bundle for bundle in bundles(record.architecture, record.sketch) if bundle.name != STATE]
    for layer in range(record.architecture.layers):
        without = layer in record.architecture.no_mlp
        if not without and groups.isdisjoint(bundle_group(layer, bundle) for bundle in kinds):
            raise FingerprintError(f"lacks the MLP arrays of layer {layer}, such as 'units.{layer}.mlp.up'")
    return {name: spec for name, spec in table(record).items() if not spec.group or spec.group in groups}


def _leaves(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Every number and text in a dumped record, keys included, with the entry it is in."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield where, key
            yield from _leaves(item, key)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _leaves(item, where)
    else:
        yield where, value


def _expect(holds: bool, what: str, found: object, expected: str) -> None:
    if not holds:
        raise FingerprintError(f"gives {what!s:.80} as {found!r:.80}; expected {expected}")
