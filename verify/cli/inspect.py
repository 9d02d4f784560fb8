"""``verify inspect``: how a checkpoint is read, before anything is computed."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..fingerprint import EFFORTS, is_fingerprint
from .command import Command, option
from .options import OUTPUT, Access, json_option, model_argument, side_options
from .output import count, described_fingerprint, echo, echo_json
from .plan import described

if TYPE_CHECKING:
    from ..checkpoint import Checkpoint, Location

_SHOWN = 20  # names of tensors
_MEANINGS = {
    "norm_offset": "added to each stored gain; 1 where files hold the gain less 1, as of Gemma",
    "post_norm": "whether norms follow their sublayer",
    "odd_in_up": "whether a unit with `up` and `down` negated computes the same",
    "linear_values": "whether re-ordered or negated value channels compute the same",
    "tied_embeddings": "whether `embed` is also the unembedding",
    "shared_blocks": "whether all layers have the same weights",
    "rotary_size": "channels of a head that positions turn",
    "heads_alike": "whether positions treat all heads alike",
    "query_key_norm": "the norm of queries and keys",
    "key_size": "channels of q and k of a head where they are not as many as of values; else 0",
    "state_heads": "heads of a state space, such as Mamba 2; 0 where there is none, or it is not known",
    "state_size": "channels of each of them",
    "latent": "size of the latent vector of keys and values; 0 where there is none",
}
"""What is not plain from the name of a field."""


@click.command(
    cls=Command,
    section="Fingerprints and files",
    examples=(
        "verify inspect path/to/model",
        "verify inspect org/model                        nothing but headers is fetched",
        "verify inspect fingerprint.safetensors",
        "verify inspect my-model --draft-layout > my.toml",
    ),
)
@model_argument("model")
@side_options()
@option("--draft-layout", group=OUTPUT, is_flag=True, help="Print a layout file to start from, for --layout.")
@json_option("Print everything as JSON.")
def inspect(
    model: str,
    access: Access,
    draft_layout: bool,
    as_json: bool,
) -> None:
    """Show how MODEL is read, and what is left out; only headers and small files are read."""
    from ..checkpoint import Location, drafted_layout, open_checkpoint

    location = Location(model, **access)
    if not is_fingerprint(Path(model)):
        location.refuse_signer()
    if draft_layout:
        echo(drafted_layout(location), nl=False)
        return
    if is_fingerprint(Path(model)):
        _inspect_fingerprint(location, as_json=as_json)
        return
    from ..fingerprint.plan import reading_plan

    checkpoint = open_checkpoint(location)
    plans = [reading_plan(location, effort) for effort in EFFORTS]
    if as_json:
        echo_json(json.dumps(_content(checkpoint) | {"runs": [asdict(plan) for plan in plans]}, indent=2))
    else:
        runs = "\n".join(f"  {described(plan)}" for plan in plans)
        echo(f"{_page(checkpoint)}\na run would read (memory and CPU are rough):\n{runs}")


def _inspect_fingerprint(location: Location, *, as_json: bool) -> None:
    """The record of a fingerprint, which holds no weights, and who signed it."""
    from ..fingerprint import Fingerprint

    found = Fingerprint.load(location.address, signer=location.signer)
    if as_json:
        echo_json(found.record.model_dump_json(indent=2))
        return
    assert found.signed is not None
    said = {
        "valid": f"It is signed by the key {found.signed.key}.",
        "not_checked": "A signature lies beside it, and is checked where its --signer is given.",
        "unsigned": "It is not signed.",
    }
    echo(f"{Path(location.address).name} is a fingerprint, not a model; compare it as it is (`verify lineage`).")
    echo(f"{described_fingerprint(found.record)}\n{said[found.signed.status]}")


def _content(checkpoint: Checkpoint) -> dict[str, object]:
    return {
        "name": checkpoint.name,
        "origin": checkpoint.origin,
        "revision": checkpoint.revision,
        "merged_onto": checkpoint.merged_onto,
        "declared_bases": checkpoint.declared_bases,
        "architecture": checkpoint.architecture.model_dump(),
        "files": [file.model_dump() for file in checkpoint.files(read=False)],
        "part": checkpoint.part.name,
        "parts": [part.model_dump() for part in checkpoint.parts],
        "not_read": checkpoint.not_read,
        "tokenizer": None if (found := checkpoint.vocabulary()) is None else found.file,
        "outside": checkpoint.outside,
        "unrecognised": checkpoint.unrecognised,
        "notes": _notes(checkpoint),
    }


def _field(name: str, value: object) -> str:
    meaning = _MEANINGS.get(name)
    return f"  {name} {value}" + (f"  ({meaning})" if meaning else "")


def _notes(checkpoint: Checkpoint) -> list[str]:
    """What its makers declare otherwise than the tensors tell."""
    from ..wording import say
    from ..wording.forms import capital

    return sorted(f"{capital(say(note))}." for note in checkpoint.notes)


def _page(checkpoint: Checkpoint) -> str:
    from ..checkpoint import LOOKED_FOR

    shape, files = checkpoint.architecture, checkpoint.files(read=False)
    where = "@".join(filter(None, (checkpoint.origin, checkpoint.revision)))
    lines = [
        f"{checkpoint.name}{' from ' + where if where else ''}",
        f"{count(len(files), 'file')}, {sum(file.size for file in files)} bytes",
        f"read as {shape.family}" + (f" (model_type {shape.model_type})" if shape.model_type else ""),
        *(_field(name, value) for name, value in shape.model_dump(exclude={"family", "model_type"}).items()),
    ]
    if len(checkpoint.parts) > 1:
        total = max(1, sum(part.numbers for part in checkpoint.parts))
        lines.append(f"{len(checkpoint.parts)} parts, of which this is {checkpoint.part.name}:")
        lines += [
            f"  {part.name}: {part.kind}, {part.numbers} numbers ({part.numbers / total:.1%}), "
            + (f"read as {part.family}" if part.family else "not understood")
            for part in checkpoint.parts
        ]
    tokenizer = checkpoint.vocabulary()
    none = f"none found (looked for {', '.join(LOOKED_FOR)})"
    lines.append(f"tokenizer: {none if tokenizer is None else tokenizer.file}")
    if checkpoint.declared_bases:
        lines.append(f"declared bases: {', '.join(checkpoint.declared_bases)}")
    lines += _notes(checkpoint)
    for what, names in (
        ("files of weights not read", checkpoint.not_read),
        ("tensors understood, compared by no test", checkpoint.outside),
        ("tensors not understood and left out", checkpoint.unrecognised),
    ):
        if names:
            lines += [f"{len(names)} {what}:", *(f"  {name}" for name in names[:_SHOWN])]
            lines += [f"  and {len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return "\n".join(lines)
