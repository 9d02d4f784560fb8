"""Read one layer, or the tensors outside layers, in any process that can open the checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..base import Phrase
from ..checkpoint import Checkpoint, Key, Location, open_checkpoint
from .attention import sampled_keys, sampled_values, whole_heads
from .latent import latent_channels, read_latent
from .layout import kept_dimensions, token_specs
from .moments import Tally
from .responses import Tokens, centred
from .routers import router_rows
from .scales import lengths, sampled_gains
from .scan import Scan
from .sketch import Effort, SketchSpec, unit_rows
from .units import Arrays, sampled_units, whole_units
from .unused import profiles

opened: dict[str, Checkpoint] = {}
"""Checkpoints open in this process, by run."""


@dataclass(frozen=True)
class Piece:
    """The result of reading one layer, or the tensors outside layers."""

    arrays: Arrays
    tallies: dict[tuple[str, int | None], Tally]
    digests: dict[str, bytes]
    non_finite: dict[str, int]
    """Non-finite entries of chosen rows."""
    notes: set[Phrase]
    bytes_of: dict[Key | str, int]
    """Distinct bytes read, by tensor."""
    varied: set[str] = field(default_factory=set)


class Task(NamedTuple):
    """The task of reading one layer."""

    run: str
    """Name of the run, so that a process opens the checkpoint once per run."""
    location: Location
    layer: int
    sketch: SketchSpec
    effort: Effort
    embedding: NDArray[np.float64]
    writing: NDArray[np.float64]
    panels: bool = True
    """Whether arrays that only panels read are made."""


@np.errstate(over="ignore", invalid="ignore")  # non-finite entries are counted, and give zero rows
def read_outside_layers(
    checkpoint: Checkpoint, sketch: SketchSpec, effort: Effort, ids: list[int], unread: list[int], kept: int
) -> tuple[Piece, NDArray[np.float64], NDArray[np.float64]]:
    """Arrays of the tables of tokens, and the anchors as the model reads and writes them.

    Parameters
    ----------
    checkpoint : the model.
    sketch : sizes, as of this effort.
    effort : how much to read.
    ids : rows of the anchors in the tables of tokens.
    unread : rows of all tokens that no text contains.
    kept : how many of them, the first ones, are kept.

    Returns
    -------
    tuple
        What was read; the anchors' embeddings, shape [anchors, width]; and their unembeddings times the gain of the
        final norm, shape [width, anchors].
    """
    scan, shape = Scan(checkpoint, moments=False), checkpoint.architecture
    dimensions = kept_dimensions(shape, sketch).indices
    rows: dict[str, NDArray[np.float64]] = {}
    for role, wanted in (("embed", [*ids, *unread[:kept]]), ("unembed", ids)):
        if checkpoint.has(role):
            chosen, where = np.unique(np.asarray(wanted, dtype=np.intp), return_inverse=True)
            rows[role] = scan.rows(role, None, chosen)[where]
    if checkpoint.has("embed_map"):
        rows["embed"] = rows["embed"] @ scan.whole("embed_map", None).astype(np.float64).T
    table = {(spec.component, spec.part): spec for spec in token_specs(shape, sketch, len(ids), kept)}
    arrays: Arrays = {
        spec.name: unit_rows(rows[role][: len(ids), dimensions].T)
        for (component, role), spec in table.items()
        if component == "stream"
    }
    if "embed" in rows:
        arrays[table["scales", "embed"].name] = lengths(rows["embed"][: len(ids), dimensions].T)
    finite = {role: np.where(np.isfinite(x), x, 0.0) for role, x in rows.items()}
    embedding = finite.get("embed", np.zeros((0, shape.width)))
    if shape.norm == "layer":  # layer norm removes the mean over the stream
        embedding = embedding - embedding.mean(1, keepdims=True)
    embedding, of_unused = embedding[: len(ids)], embedding[len(ids) :]
    if (spec := table.get(("unused", "embed"))) is not None:
        found = profiles(of_unused, embedding, ~np.isin(ids, unread))
        arrays[spec.name] = unit_rows(centred(found), spec.dtype)
    gram = embedding @ embedding.T
    arrays[table["gram", "embed"].name] = (gram / (np.trace(gram) or 1.0)).astype(np.float32)
    last = scan.gain(("norm_final", None) if checkpoint.has("norm_final") else None)
    writing = np.ascontiguousarray((finite.get("unembed", embedding) * last).T)
    if effort == "full":
        scan.read_remaining(None)
        scan.skim_unknown((*checkpoint.outside, *checkpoint.unrecognised))
    read = checkpoint.notes, checkpoint.bytes_of
    part = Piece(arrays, dict(scan.tallies), scan.digests, scan.non_finite, *read, scan.varied)
    return part, embedding, writing


@np.errstate(over="ignore", invalid="ignore")
def read_layer(task: Task) -> Piece:
    """Read one layer."""
    if task.run not in opened:
        opened.clear()  # of finished runs
        opened[task.run] = open_checkpoint(task.location)
    checkpoint = opened[task.run].again()
    scan, layer = Scan(checkpoint, moments=task.panels), task.layer

    def gain(sublayer: str, layer: int) -> NDArray[np.float64]:
        return scan.gain(checkpoint.norm_before(sublayer, layer))

    tokens = Tokens(task.embedding, task.writing, gain)
    latent = read_latent(scan, checkpoint, layer, task.sketch, task.effort)
    arrays = sampled_values(scan, checkpoint, layer, task.sketch, task.effort, tokens, latent)
    arrays |= latent_channels(latent, checkpoint, layer, task.sketch, tokens)
    arrays |= router_rows(scan, checkpoint, layer, task.sketch, tokens)
    arrays |= sampled_keys(scan, checkpoint, layer, task.sketch, task.effort, tokens, latent)
    arrays |= sampled_gains(scan, checkpoint, layer)
    arrays |= sampled_units(scan, checkpoint, layer, task.sketch, task.effort, tokens)
    if task.effort == "full":
        arrays |= whole_heads(scan, checkpoint, layer, task.sketch, tokens, panels=task.panels)
        arrays |= whole_units(scan, checkpoint, layer, task.sketch, tokens, panels=task.panels)
        scan.read_remaining(layer)
    return Piece(arrays, dict(scan.tallies), scan.digests, scan.non_finite, checkpoint.notes, checkpoint.bytes_of)
