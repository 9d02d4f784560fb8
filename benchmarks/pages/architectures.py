"""``architectures.md``: which model types of Transformers are read, and whether what is declared of them is true."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from .markdown import page, table

Rows = Sequence[Mapping[str, str]]
KINDS = ("decoder", "encoder", "encoder-decoder", "multimodal", "vision", "sound", "denoiser", "tower", "part")
OUTCOMES = ("read", "partly", "refused", "not built")
_NAMES = {"hub": "names of the Hub", "own": "names of Transformers 5"}
_SHOWN = 100  # characters of a sentence


def architectures(rows: Rows) -> str:
    """The page."""
    by_outcome = {outcome: [row for row in rows if row["outcome"] == outcome] for outcome in OUTCOMES}
    readings = by_outcome["read"] + by_outcome["partly"]
    return page(
        "# Model types of Transformers",
        f"Every model type of Transformers {rows[0]['transformers']}, denoisers of Diffusers and towers of timm, "
        "built at toy width with random numbers, saved under the names of the Hub and, where those differ, under its "
        "own (`save_original_format=False`), and read. `python -m benchmarks.architectures`.",
        "`read`: every symmetry that holds is used, and less than 1% of the numbers lies in tensors that no table "
        "knows. `partly`: some symmetry is lost, or more is left out. A symmetry holds if a random element of its "
        "group, applied to the stored numbers, changes no answer by more than 0.002 of its spread, and an element "
        "broken on purpose changes them by more than 0.01. Types that only parts of others have are of kind `part`.",
        table("lr", ["names, kind", *OUTCOMES], list(_totals(rows))),
        f"{sum(_count(row['declared']) for row in readings)} symmetries of main parts are declared in "
        f"{len(readings)} readings; false: {_listed(row['type'] for row in readings if row['false'])}. Without an "
        "effect on the answers that could be compared (a tower that the inputs do not reach): "
        f"{sum(_count(row['unseen']) for row in readings)}. Of children (noise of 1%), "
        f"{sum(row['child'] == 'dependent' for row in readings)} are `dependent`; of strangers, "
        f"{sum(row['stranger'] == 'no_evidence' for row in readings)} `no_evidence`; otherwise: "
        f"{_listed(_cell(row) for row in readings if _unexpected(row))}.",
        "## Symmetries that hold and are not used",
        *_groups(by_outcome["partly"], lambda row: _why(row["lost"]) or "none; tensors are left out"),
        "## Refused",
        *_groups(by_outcome["refused"], lambda row: _reason(row["words"])),
        "## Not built",
        *_groups(by_outcome["not built"], lambda row: row["words"].partition(":")[0]),
        "## Readings",
        table(
            "lllllrll",
            ["type", "table", "declared", "lost", "further parts", "left out", "child", "stranger"],
            [
                [
                    _cell(row), f"`{row['family']}`", _short(row["declared"]), _short(row["lost"]),
                    row["beside"].replace("; ", ", "), f"{float(row['left_out']):.2f}", row["child"], row["stranger"],
                ]
                for row in readings
            ],
        ),
        "Symmetries by the first letters of their names: UO, US order and signs of hidden units; VO, VS of value "
        "channels; KO, KS of channels of q and k that positions do not turn; P phases; HO order of heads; EO of "
        "experts; LO, LS of channels of latent vectors; SO, SS of the residual stream.",
    )  # fmt: skip


def _totals(rows: Rows) -> Iterable[list[object]]:
    for naming, words in _NAMES.items():
        named = [row for row in rows if row["naming"] == naming]
        for kind, said in (*((kind, kind) for kind in KINDS), ("", "all")):
            these = [row for row in named if row["kind"] == (kind or row["kind"])]
            yield [f"{words}, {said}", *(sum(row["outcome"] == outcome for row in these) for outcome in OUTCOMES)]


def _groups(rows: Rows, key: object) -> list[str]:
    """A paragraph for each reason, with the types in it; the largest first."""
    assert callable(key)
    groups: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(_cell(row))
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return [f"{reason} ({len(types)}): {_listed(types)}." for reason, types in ordered] or ["None."]


def _cell(row: Mapping[str, str]) -> str:
    return row["type"] + (" (5)" if row["naming"] == "own" else "")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _count(cell: str) -> int:
    return len(cell.split("; ")) if cell else 0


def _short(cell: str) -> str:
    names = [name.partition(" (")[0].split() for name in cell.split("; ") if name]
    return " ".join("".join(word[0] for word in name).upper() for name in names)


def _why(lost: str) -> str:
    """Codes of the reasons."""
    return ", ".join(f"`{code}`" for code in sorted({part.partition(")")[0] for part in lost.split("(")[1:]}))


def _unexpected(row: Mapping[str, str]) -> bool:
    return (row["child"], row["stranger"]) != ("dependent", "no_evidence")


def _reason(words: str) -> str:
    """A sentence without what is special to one model."""
    text = words.partition(" is not understood: ")[2] or words
    for end in ("; ", ". ", ", such as", ": templates", "(llama at", ": several tables fit"):
        text = text.partition(end)[0]
    text = "N".join(text.split("'")[::2])  # without what is quoted
    text = "".join("N" if letter.isdecimal() else letter for letter in text)
    for size in ("NNN", "NN", "(N, N, N)", "(N, N)", "(N,)", "(N)"):
        text = text.replace(size, "N")
    return text.replace("|", "/")[:_SHOWN].rstrip(".")
