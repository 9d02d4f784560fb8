"""Resolve an address with a scheme: a folder of a web server or a store, and perhaps one file in it."""

from __future__ import annotations

import re

from ...base import OptionError
from .http import without_secrets
from .place import Location, Storage
from .store import find_in_store
from .web import find_on_web

_SCHEME = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]{1,30})://", re.IGNORECASE)


def find_address(location: Location) -> tuple[Storage, str | None] | None:
    """The folder at an address, and the file in it; None if the text has no scheme.

    Raises
    ------
    CheckpointError
        If nothing is there, access is denied, or a package is missing.
    """
    match = _SCHEME.match(location.address)
    if match is None:
        return None
    scheme = match["scheme"].lower()
    if scheme == "hf":
        raise OptionError(
            f"{without_secrets(location.address)!r:.200} is no address of the Hub; give hf://org/model[@revision][/file]."
        )
    if location.revision is not None:
        raise OptionError(f"A revision is of the Hub; {scheme}:// addresses have none; leave it out.")
    return find_on_web(location.address) if scheme in ("http", "https") else find_in_store(location.address)
