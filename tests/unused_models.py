"""Small language models trained here on texts that leave some tokens out, for what their rows tell of one another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.zoo.config import Config
from tests.checkpoints import Array, Toy, write_checkpoint
from verify import Fingerprint
from verify.checkpoint.vocabulary import _BYTE_OF

Table = NDArray[np.float64]

USED, UNREAD, WIDTH = 40, 12, 10
ROWS = USED + UNREAD


def tokenizer(*, bytes_known: bool = True, series: range = range(20, 34)) -> str:
    """``tokenizer.json`` of all bytes, or the printable ones, and of a series of unused tokens behind them."""
    vocabulary = {character: byte for character, byte in _BYTE_OF.items() if bytes_known or 32 <= byte < 127}
    added = [{"id": 256 + n, "content": f"[unused{number}]"} for n, number in enumerate(series)]
    level = {"type": "ByteLevel"}
    content = {"model": {"type": "BPE", "vocab": vocabulary}, "added_tokens": added, "decoder": level}
    return json.dumps(content, ensure_ascii=False)


def write(folder: Path, tensors: dict[str, Array], c: Config, **files: str) -> Path:
    """A Llama whose tokenizer knows unused tokens, unless other files are given."""
    named = {name.replace("__", "."): text for name, text in files.items()} or {"tokenizer.json": tokenizer()}
    return write_checkpoint(folder, Toy(tensors, c.huggingface(), {}), files=named)


def text(seed: int, size: int) -> NDArray[np.intp]:
    """A text of used tokens in which each token has a few likely successors."""
    rng = np.random.default_rng(seed)
    ends = rng.dirichlet(np.full(USED, 0.1), USED).cumsum(1)
    found = np.zeros(size, dtype=np.intp)
    for i, draw in enumerate(rng.random(size - 1)):
        found[i + 1] = min(USED - 1, np.searchsorted(ends[found[i]], draw))
    return found


def replaced(read: NDArray[np.intp], seed: int, share: float = 0.1) -> NDArray[np.intp]:
    """A text with some of its tokens replaced by any token at all."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(len(read)) < share, rng.integers(0, ROWS, len(read)), read)


class Trained(NamedTuple):
    """A trained model."""

    embed: Table
    """Input rows."""
    output: Table
    """Output rows."""
    logits: Table
    """Of all tokens, at each position of the text."""


def trained(
    seed: int, read: NDArray[np.intp], wanted: NDArray[np.float64], steps: int = 150, decay: float = 1e-3
) -> Trained:
    """A model that predicts a distribution from two tokens, trained by Adam.

    Parameters
    ----------
    seed : of its initial weights.
    read : tokens read, shape [n]; each position reads its own token and the one before.
    wanted : the distribution asked for at each position, shape [n, ROWS].
    steps, decay : of training, and of the weights in each step.
    """
    rng = np.random.default_rng(seed)
    weights = [0.3 * rng.standard_normal((ROWS, WIDTH)) for _ in range(2)]
    weights += [rng.standard_normal((WIDTH, WIDTH)) / np.sqrt(WIDTH) for _ in range(2)]
    first = [np.zeros_like(w) for w in weights]
    second = [np.zeros_like(w) for w in weights]
    before = np.roll(read, 1)
    for step in range(1, steps + 1):
        embed, output, here, there = weights
        hidden = np.tanh(embed[read] @ here + embed[before] @ there)
        error = (softmax(hidden @ output.T) - wanted) / len(read)
        back = (error @ output) * (1 - hidden**2)
        of_embed = np.zeros_like(embed)
        np.add.at(of_embed, read, back @ here.T)
        np.add.at(of_embed, before, back @ there.T)
        gradients = [of_embed, error.T @ hidden, embed[read].T @ back, embed[before].T @ back]
        for k, gradient in enumerate(gradients):
            first[k] = 0.9 * first[k] + 0.1 * gradient
            second[k] = 0.99 * second[k] + 0.01 * gradient**2
            rate = 0.03 * np.sqrt(1 - 0.99**step) / (1 - 0.9**step)
            weights[k] = weights[k] * (1 - decay) - rate * first[k] / (np.sqrt(second[k]) + 1e-8)
    embed, output, here, there = weights
    return Trained(embed, output, np.tanh(embed[read] @ here + embed[before] @ there) @ output.T)


def one_hot(tokens: NDArray[np.intp]) -> Table:
    """The distribution that is sure of a token."""
    return np.eye(ROWS)[tokens]


def softmax(logits: Table) -> Table:
    """Shares of the exponentials."""
    shares = np.exp(logits - logits.max(1, keepdims=True))
    found: Table = shares / shares.sum(1, keepdims=True)
    return found


def as_unused(table: Table, model: Fingerprint) -> Fingerprint:
    """A fingerprint whose unused tokens have the profiles of a table's last rows among its first."""
    found = table[USED:] @ table[:USED].T
    found -= found.mean(1, keepdims=True)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return Fingerprint(model.record, model.arrays | {"unused.embed": found.astype(np.float32)})
