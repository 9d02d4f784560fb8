"""Text, numbers and tables as LaTeX."""

from __future__ import annotations

from collections.abc import Sequence

ESCAPES = str.maketrans({letter: f"\\{letter}" for letter in "&%#_$"})
WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def escape(text: str) -> str:
    """Text whose special letters stand for themselves."""
    return text.translate(ESCAPES)


def name(identifier: str) -> str:
    """An identifier of the library."""
    return rf"\test{{{escape(identifier)}}}"


def stacked(identifier: str) -> str:
    """The words of an identifier, one above the other."""
    return r"\shortstack[r]{" + r"\\".join(identifier.split("_")) + "}"


def bold(text: str, when: bool = True) -> str:
    """The text, in bold when asked."""
    return rf"\textbf{{{text}}}" if when else text


def number(text: str) -> str:
    """For a cell: a number with a proper minus; a zero has no sign."""
    text = unsigned_zero(text)
    return "$-$" + text[1:] if text.startswith("-") else text


def minus(text: str) -> str:
    """A number for use inside and outside of formulas."""
    return rf"\ensuremath{{{unsigned_zero(text)}}}"


def unsigned_zero(text: str) -> str:
    """A number as text, without the sign of a zero."""
    return text[1:] if text.startswith("-") and float(text) == 0 else text


def word(number: int) -> str:
    """A small number in a word."""
    return WORDS[number] if number < len(WORDS) else str(number)


def percent(share: float) -> str:
    """A share in hundredths, to one decimal where it is below a tenth."""
    digits = 0 if share >= 0.1 or share == 0 else 1
    return f"{100 * share:.{digits}f}\\%"


def listed(items: Sequence[str]) -> str:
    """Items in a sentence."""
    return ", ".join(items[:-1]) + " and " + items[-1] if len(items) > 1 else "".join(items)


def table(
    label: str,
    caption: str,
    columns: str,
    header: Sequence[str],
    rows: Sequence[Sequence[str] | None],
    *,
    size: str,
    place: str = "tbp",
) -> str:
    r"""A floating table.

    Parameters
    ----------
    label : str
        What follows ``tab:`` in its label.
    caption : str
    columns : str
        As of ``tabular``.
    header : sequence of str
    rows : sequence of sequences of str, or None
        None is a little space.
    size : str
        Size of the type, such as ``small``.
    place : str
        Where it may float to.

    Returns
    -------
    str
    """
    while rows and rows[-1] is None:
        rows = rows[:-1]
    body = "".join("\\addlinespace\n" if row is None else " & ".join(row) + " \\\\\n" for row in rows)
    return (
        f"\\begin{{table}}[{place}]\n\\centering\\{size}\\setlength{{\\tabcolsep}}{{3pt}}\n"
        f"\\caption{{{caption}}}\\label{{tab:{label}}}\n"
        f"\\begin{{tabular}}{{@{{}}{columns}@{{}}}}\n\\toprule\n{' & '.join(header)} \\\\\n\\midrule\n{body}"
        "\\bottomrule\n\\end{tabular}\n\\end{table}\n"
    )


def spaced(rows: Sequence[Sequence[str]], column: int) -> list[Sequence[str] | None]:
    """The rows, with a little space wherever a column changes."""
    found: list[Sequence[str] | None] = []
    for before, row in zip([None, *rows[:-1]], rows, strict=True):
        if before is not None and before[column] != row[column]:
            found.append(None)
        found.append(row)
    return found
