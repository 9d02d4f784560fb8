"""Tables that can be sorted: the one script of a page, and the policy that allows it and no other."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

from markupsafe import Markup

# A cell of a number sorts by it (a dash last), any other by its text. Buttons are made by the script, so that a page
# on which it does not run has none.
_SCRIPT = """
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending", sign = down ? -1 : 1;
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const number = head.classList.contains("number");
      const key = row => {
        const text = row.cells[column].textContent;
        return number ? parseFloat(text.replaceAll(",", "").replace("\\u2212", "-")) : text;
      };
      const rows = [...body.rows].map(row => [key(row), row]);
      rows.sort(([a], [b]) => number
        ? (Number.isNaN(a) - Number.isNaN(b)) || sign * (a - b) || 0
        : sign * a.localeCompare(b, "en", {numeric: true}));
      body.append(...rows.map(([, row]) => row));
    });
  });
}
"""


def script() -> Markup:
    """The script."""
    return Markup(_SCRIPT)


def policy() -> Markup:
    """The source expression that allows the script in a Content-Security-Policy."""
    return Markup(f"'sha256-{b64encode(sha256(_SCRIPT.encode()).digest()).decode()}'")
