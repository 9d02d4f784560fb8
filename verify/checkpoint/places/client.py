"""GET with the process's one HTTP client, for files of the Hub and of the web.

Proxies are those of the environment, certificates those of the system. HTTP libraries log the URL of a request, which
may contain a signature, so their logging of requests made here is suppressed. Cookies are neither stored nor sent.
"""

from __future__ import annotations

import logging
import os
from contextvars import ContextVar
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING

from ...base import MissingPackageError, OptionError
from .http import TIMEOUT, Reply, read_reply, without_secrets
from .retry import TransientError, patient

if TYPE_CHECKING:
    from httpx2 import Client

_LOGGERS = ("httpx2", *(f"httpcore2.{name}" for name in ("connection", "http11", "http2", "proxy", "socks")))
_clients: dict[int, Client] = {}
"""Clients by process id."""
_asking = ContextVar("_asking", default=False)


def get(url: str, headers: dict[str, str], limit: int) -> Reply:
    """GET a URL without following redirects; at most ``limit`` bytes of the body, and one block, are read.

    Parameters
    ----------
    url : the address.
    headers : headers of the request.
    limit : bytes of the body to read, at most (and one block).

    Returns
    -------
    Reply
        The answer, whatever its status.

    Raises
    ------
    TransientError
        If there is no answer.
    OptionError
        If it is not a valid address of a server.
    MissingPackageError
        If the client is not installed.
    """
    try:
        import httpx2
    except ImportError as error:
        raise MissingPackageError(
            "Reading from servers takes httpx2; pip install 'verify-lineage[remote]', or [hub] for models of the Hub."
        ) from error
    token = _asking.set(True)
    try:
        with _client().stream("GET", url, headers=headers) as answer:
            return read_reply(answer.status_code, answer.headers, patient(answer.iter_raw()), limit)
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol):
        raise OptionError(f"{without_secrets(url)!r:.200} is no address that a server can have; check it.") from None
    except (httpx2.HTTPError, OSError) as error:
        raise TransientError(type(error).__name__) from None  # the message may hold a signed address
    finally:
        _asking.reset(token)


def close() -> None:
    """Close the connections of this process; the next request opens new ones."""
    if (client := _clients.pop(os.getpid(), None)) is not None:
        client.close()


def _client() -> Client:
    """The client of this process; a forked process must not use the connections of its parent."""
    if (client := _clients.get(os.getpid())) is not None:
        return client
    from httpx2 import Client

    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_not_ours)
    client = Client(follow_redirects=False, timeout=TIMEOUT)
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
    return _clients.setdefault(os.getpid(), client)  # concurrent threads share the first one


def _not_ours(_: logging.LogRecord) -> bool:
    return not _asking.get()
