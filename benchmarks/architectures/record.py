"""What the census leaves: a table of readings, its page, and the fixtures of ``tests/architectures.py``."""

from __future__ import annotations

import csv
import itertools
import json
import lzma
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.pages import write as write_pages
from benchmarks.results import TABLES, read

FIXTURES = Path(__file__).parents[2] / "tests" / "architectures.json.xz"
COLUMNS = (
    "type", "kind", "naming", "outcome", "family", "declared", "lost", "false", "unseen", "left_out", "outside",
    "change", "beside", "child", "stranger", "words", "transformers",
)  # fmt: skip
"""Of the table; lists are separated by semicolons. ``beside`` has the families of further parts."""
_NUMBER = re.compile(r"(?<=\.)[0-9]+(?=\.)")
_IDLE = re.compile(
    r"(transformers_version|(torch_)?dtype|id2label|label2id|use_cache|initializer_\w+|output_(attentions|hidden_\w+)"
    r"|return_dict|chunk_size_feed_forward|_name_or_path|problem_type|task_specific_params|\w*dropout\w*|\w*_token_id"
    r"|\w*layerdrop|router_aux_loss_coef|\w*_token_index|is_encoder_decoder)"
)
"""Entries of a configuration that tell nothing of how its tensors are read."""


def write_tables(
    types: Iterable[str], rows: Mapping[str, Mapping[str, Any]], version: str, *, keep: bool = False
) -> None:
    """Write the table of readings, its page and the fixtures.

    Parameters
    ----------
    types : in the order of the table; those without a row are left out.
    rows : of the census, by type.
    version : of Transformers.
    keep : whether types without a row keep what the table and the fixtures have of them.

    Raises
    ------
    ValueError
        If what is kept is of another version of Transformers.
    """
    kept: dict[str, list[dict[str, str]]] = {}
    for line in read("architectures") if keep else ():
        kept.setdefault(line["type"], []).append(line)
    types = list(types)
    versions = {line["transformers"] for of_type in kept.values() for line in of_type}
    if not (versions <= {version} and kept.keys() <= set(types)):
        lost = ", ".join(sorted(kept.keys() - set(types))) or "no types"
        raise ValueError(
            f"The table is of Transformers {', '.join(versions)}, with {lost} that cannot be built here; expected "
            f"what it has to be of {version}; run the census whole."
        )
    found = [rows[name] for name in types if name in rows]
    with (TABLES / "architectures.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n", restval="")
        writer.writeheader()
        for name in types:
            fresh = lines(rows[name]) if name in rows else kept.get(name, [])
            writer.writerows({**line, "transformers": version} for line in fresh)
    whole = [row for row in found if row["kind"] != "part"]  # parts are not uploaded alone
    models = json.loads(lzma.decompress(FIXTURES.read_bytes())) if keep else {}
    models = {name: model for name, model in models.items() if name.rpartition(" ")[0] not in rows}
    models |= {f"{row['type']} {naming}": fixture(one) for row in whole for naming, one in _namings(row)}
    text = json.dumps(models, separators=(",", ":"), sort_keys=True)
    FIXTURES.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
    write_pages(["architectures"])


def _namings(row: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Readings of a type, by naming; without the second where both are one."""
    found = [(naming, row.get(naming)) for naming in ("hub", "own")]
    return [(naming, one) for naming, one in found if isinstance(one, Mapping) and "tensors" in one]


def lines(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Lines of the table for a type: one for each naming, or one that says why it was not built."""
    about = {"type": row["type"], "kind": row["kind"]}
    found = [about | {"naming": naming} | told(one) for naming, one in _namings(row)]
    failed = [row, *(one for one in (row.get("hub"), row.get("own")) if isinstance(one, Mapping))]
    said = next((one["error"] for one in failed if "error" in one), None)
    return found or [about | {"naming": "hub", "outcome": "not built", "words": said}]


def told(one: Mapping[str, Any]) -> dict[str, Any]:
    """Cells of the table for one reading: of its main part, and the families of those beside it."""
    if "refused" in one:
        return {"outcome": "refused", "words": one["refused"]}
    main, *others = one["parts"].values()
    cells = {name: "; ".join(main.get(name, ())) for name in ("declared", "false", "unseen")}
    cells["lost"] = "; ".join(f"{symmetry} ({why})" for symmetry, why in main.get("lost", {}).items())
    for name in ("false", "unseen"):
        beside = [
            f"{symmetry} of {part}"
            for part, other in list(one["parts"].items())[1:]
            for symmetry in other.get(name, ())
        ]
        cells[name] = "; ".join(filter(None, (cells[name], *beside)))
    whole = not cells["lost"] and one["left_out"] < WHOLE
    return cells | {
        "outcome": "read" if whole else "partly",
        "family": main["family"],
        "left_out": one["left_out"],
        "outside": one["outside"],
        "change": main.get("change", ""),
        "beside": "; ".join(f"{other['family']} of {other['kind']}" for other in others),
        **{name: _verdict(one, name) for name in ("child", "stranger")},
    }


WHOLE = 0.01
"""Share of the numbers that a model may leave out and count as read."""


def _verdict(one: Mapping[str, Any], name: str) -> str:
    return one[name]["verdict"] if name in one else ""


def fixture(one: Mapping[str, Any]) -> dict[str, Any]:
    """Names, shapes and configuration of a stored model, in few bytes.

    Returns
    -------
    dict
        ``config``; and ``tensors``, lists of a name with ``{}`` for each number, a shape, and the numbers: those of
        each place if all combinations are there, else a list of combinations.
    """
    groups: dict[tuple[str, tuple[int, ...]], list[tuple[int, ...]]] = {}
    for name, shape in one["tensors"].items():
        numbers = tuple(int(number) for number in _NUMBER.findall(name))
        groups.setdefault((_NUMBER.sub("{}", name), tuple(shape)), []).append(numbers)
    tensors = []
    for (name, shape), combinations in groups.items():
        places = [sorted(set(place)) for place in zip(*combinations, strict=True)]
        product = len(combinations) == len(list(itertools.product(*places)))
        tensors.append([name, shape, {"each": places} if product else {"all": combinations}])
    return {"config": _essential(one["config"]), "tensors": tensors}


def _essential(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _essential(value) if isinstance(value, Mapping) else value
        for key, value in config.items()
        if not _IDLE.fullmatch(key) and value is not None
    }
