"""What was done to the files: signs of re-parametrisation, which are no evidence."""

from __future__ import annotations

from ...claim import ClaimReport
from ...claim.signs import sound
from ...wording.forms import capital
from ..page import Block, Paragraph, table


def reworked(report: ClaimReport) -> list[Block]:
    """The signs, by model; nothing if none was seen."""
    if not (signs := sound(report.reworked)):
        return []
    return [
        Paragraph(
            "Changes that keep a network's function are made for many reasons, such as quantisation. These signs of "
            "them are descriptions: they are no evidence that A and B are related, nor that they are not, and they "
            "enter neither p-values nor the verdict. They tell which tests may be blind to a copy."
        ),
        table(
            "What was done to the files, by its signs",
            ("model", "sign"),
            ((str(sign.values.get("model", "A and B")), f"{capital(report.say(sign))}.") for sign in signs),
        ),
    ]
