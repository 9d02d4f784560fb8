"""A report as a workflow command of GitHub Actions, which shows it beside the model's card in a pull request."""

from __future__ import annotations

from ...claim import ClaimReport
from ...claim.pages import Models
from .notices import notice


def workflow_command(report: ClaimReport, models: Models = (None, None)) -> str:
    """A warning if the models are related and neither declares it, else a notice.

    Parameters
    ----------
    report : the report.
    models : paths of A and B, where they are known.

    Returns
    -------
    str
        One line.
    """
    said = notice(report, models)
    where = {} if said.place is None else {"file": said.place.path, "line": str(said.place.line)}
    command = "warning" if said.undeclared else "notice"
    properties = ",".join(f"{name}={_property(value)}" for name, value in (where | {"title": said.title}).items())
    return f"::{command} {properties}::{_data(said.text)}\n"


def _data(text: str) -> str:
    """Escaped as the toolkit of GitHub Actions does it."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
