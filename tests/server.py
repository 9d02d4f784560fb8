"""A web server on this machine that serves byte ranges as the Hub and its storage do, counts, and fails on demand."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from time import sleep
from urllib.parse import parse_qs, quote, unquote, urlsplit

SIGNATURE = "signature-of-the-storage"
"""In the query of every redirect; must be shown nowhere."""
_NAME = "(?:datasets/)?(?:[^/]+/[^/]+|[^/]+)"  # of a repository


@dataclass(frozen=True)
class Asked:
    """One request that came in."""

    method: str
    path: str
    query: str
    range: tuple[int, int] | None
    """First byte, and the one after the last."""
    authorization: str | None
    cookie: str | None = None
    body: bytes = b""


@dataclass
class Answer:
    """What will be sent; a fault changes it. ``cut`` bytes of the body are sent before the connection breaks."""

    status: int
    headers: dict[str, str]
    body: bytes = b""
    cut: int | None = None
    pause: float = 0.0
    """Seconds after each byte."""


Fault = Callable[[Asked, Answer], None]


def busy(status: int, retry_after: str | None = None) -> Fault:
    """Answer with an error that passes."""

    def fault(_: Asked, answer: Answer) -> None:
        answer.status, answer.body, answer.headers = status, b"busy", {}
        if retry_after is not None:
            answer.headers["Retry-After"] = retry_after

    return fault


def dropped(after: int) -> Fault:
    """Break the connection after some bytes of the body."""

    def fault(_: Asked, answer: Answer) -> None:
        answer.cut = after

    return fault


def short(by: int) -> Fault:
    """Send fewer bytes than asked for, and say so."""

    def fault(_: Asked, answer: Answer) -> None:
        answer.body = answer.body[:-by]

    return fault


def dripping(pause: float) -> Fault:
    """Send a byte, and the next after some seconds."""

    def fault(_: Asked, answer: Answer) -> None:
        answer.pause = pause

    return fault


@dataclass(repr=False)
class Server:
    """What is served, what was asked, and what will go wrong."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    """By path, with its leading slash."""
    etags: dict[str, str] = field(default_factory=dict)
    """Instead of the sha256 of the content; an empty one is left out."""
    repositories: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)
    """Of the Hub: name (of data, with ``datasets/`` before it), commit, path, content."""
    branches: dict[tuple[str, str], str] = field(default_factory=dict)
    """Of the Hub: name and revision to commit."""
    times: dict[str, str] = field(default_factory=dict)
    """Of the Hub: commit to its time, as the Hub writes it; that of others is 2024-01-01T00:00:00.000Z."""
    secret: str | None = None
    """A token that the Hub asks for."""
    storage: Server | None = None
    """Whose address the Hub redirects to; its own otherwise."""
    hub: Server | None = None
    """Whose repositories a storage holds."""
    ranges: bool = True
    """Whether Range is honoured."""
    latency: float = 0.0
    """Seconds before each answer."""
    faults: list[tuple[str, Fault]] = field(default_factory=list)
    """What part of a path it is for, and the fault; each happens once."""
    asked: list[Asked] = field(default_factory=list)
    sent: int = 0
    """Bytes of bodies of ranges and files."""
    lock: Lock = field(default_factory=Lock)

    def __repr__(self) -> str:
        return f"Server({self.url})"

    def commit(self, name: str, files: dict[str, bytes], branch: str = "main") -> str:
        """Add a commit to a repository, and return its hash."""
        commit = hashlib.sha1(
            repr((name, sorted((path, _digest(one)) for path, one in files.items()))).encode()
        ).hexdigest()
        self.repositories.setdefault(name, {})[commit] = files
        self.branches[name, branch] = commit
        return commit

    def of(self, part: str) -> list[Asked]:
        """Requests whose path has a part."""
        return [asked for asked in self.asked if part in asked.path]

    def reset(self) -> None:
        """Count from here."""
        self.asked.clear()
        self.sent = 0

    def answer(self, asked: Asked) -> Answer:
        """The answer, before anything goes wrong."""
        if match := re.fullmatch(r"/api/(models|datasets)/(.+)/revision/(.+)", asked.path):
            kind = "datasets/" if match[1] == "datasets" else ""
            return self._listing(asked, kind + match[2], unquote(match[3]))
        if match := re.fullmatch(r"/api/(models|datasets)/(.+)/paths-info/([0-9a-f]{40})", asked.path):
            kind = "datasets/" if match[1] == "datasets" else ""
            return self._dates(asked, kind + match[2], match[3])
        if match := re.fullmatch(rf"/({_NAME})/resolve/([0-9a-f]{{40}})/(.+)", asked.path):
            return self._resolved(asked, match[1], match[2], unquote(match[3]))
        if match := re.fullmatch(rf"/storage/({_NAME})/([0-9a-f]{{40}})/(.+)", asked.path):
            if asked.query != SIGNATURE:
                return Answer(403, {})
            owner = self.hub or self
            return self._content(asked, owner.repositories[match[1]][match[2]][unquote(match[3])], None)
        path = unquote(asked.path)
        if path in self.files:
            content, etag = self.files[path], self.etags.get(path)
            return self._content(asked, content, _etag(content) if etag is None else etag)
        return Answer(404, {}, b"nothing here")

    def _listing(self, asked: Asked, name: str, revision: str) -> Answer:
        if refused := self._refused(asked, name):
            return refused
        commits = self.repositories[name]
        commit = self.branches.get((name, revision), revision)
        if commit not in commits:
            return Answer(404, {"X-Error-Code": "RevisionNotFound"})
        siblings = []
        for path, content in commits[commit].items():
            entry: dict[str, object] = {"rfilename": path, "size": len(content)}
            entry["blobId"] = hashlib.sha1(_digest(content).encode()).hexdigest()
            if path.endswith(".safetensors"):
                entry["lfs"] = {
                    "sha256": _digest(content),
                    "size": len(content),
                    "pointerSize": 134,
                }
            siblings.append(entry)
        body = json.dumps({"id": name, "sha": commit, "siblings": siblings}).encode()
        return Answer(200, {"Content-Type": "application/json"}, body)

    def _dates(self, asked: Asked, name: str, revision: str) -> Answer:
        """The last commit that changed each file that is asked for, in the order in which commits were made."""
        if refused := self._refused(asked, name):
            return refused
        commits = self.repositories[name]
        if revision not in commits:
            return Answer(404, {"X-Error-Code": "RevisionNotFound"})
        before = list(commits)[: list(commits).index(revision) + 1]
        found = []
        for path in parse_qs(asked.body.decode())["paths"]:
            content, last = commits[revision][path], revision
            for commit in reversed(before):
                if commits[commit].get(path) != content:
                    break
                last = commit
            lfs = {"oid": _digest(content), "size": len(content), "pointerSize": 134}
            time = self.times.get(last, "2024-01-01T00:00:00.000Z")
            said = {"id": last, "title": "Upload", "date": time}
            entry = {"type": "file", "path": path, "oid": "0" * 40, "size": len(content), "lastCommit": said}
            found.append(entry | ({"lfs": lfs} if path.endswith(".safetensors") else {}))
        return Answer(200, {"Content-Type": "application/json"}, json.dumps(found).encode())

    def _resolved(self, asked: Asked, name: str, commit: str, path: str) -> Answer:
        if refused := self._refused(asked, name):
            return refused
        content = self.repositories[name].get(commit, {}).get(path)
        if content is None:
            return Answer(404, {"X-Error-Code": "EntryNotFound"})
        storage = (self.storage or self).url
        return Answer(
            302,
            {
                "Location": f"{storage}/storage/{name}/{commit}/{quote(path)}?{SIGNATURE}",
                "X-Repo-Commit": commit,
                "X-Linked-Size": str(len(content)),
                "X-Linked-Etag": _etag(content),
            },
        )

    def _refused(self, asked: Asked, name: str) -> Answer | None:
        if name not in self.repositories:
            return Answer(401, {"X-Error-Code": "RepoNotFound"})
        if self.secret is not None and asked.authorization != f"Bearer {self.secret}":
            return Answer(403 if asked.authorization else 401, {"X-Error-Code": "GatedRepo"})
        return None

    def _content(self, asked: Asked, content: bytes, etag: str | None) -> Answer:
        headers = {"ETag": etag} if etag else {}
        if asked.range is None or not self.ranges:
            return Answer(200, headers, content)
        start, stop = asked.range[0], min(asked.range[1], len(content))
        if start >= stop:
            return Answer(416, {"Content-Range": f"bytes */{len(content)}"})
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(content)}"
        return Answer(206, headers, content[start:stop])


def _etag(content: bytes) -> str:
    return f'"{_digest(content)}"'


@cache
def _digest(content: bytes) -> str:
    """sha256 of a file's content; made once of each."""
    return hashlib.sha256(content).hexdigest()


@contextmanager
def running(server: Server | None = None) -> Iterator[Server]:
    """Serve on a free port of loopback until the block ends."""
    server = server or Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            bounds = (int(found[1]), int(found[2]) + 1) if found else None
            size = int(self.headers.get("Content-Length", "0"))
            asked = Asked(
                self.command,
                parts.path,
                parts.query,
                bounds,
                self.headers.get("Authorization"),
                self.headers.get("Cookie"),
                self.rfile.read(size),
            )
            answer = server.answer(asked)
            sleep(server.latency)
            with server.lock:
                server.asked.append(asked)
                for fault in server.faults:
                    if fault[0] in asked.path:
                        server.faults.remove(fault)
                        fault[1](asked, answer)
                        break
            self.reply(answer)

        do_HEAD = do_POST = do_GET  # noqa: N815

        def reply(self, answer: Answer) -> None:
            body = answer.body
            self.send_response(answer.status)
            for key, value in answer.headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            part = b"" if self.command == "HEAD" else body if answer.cut is None else body[: answer.cut]
            with server.lock:  # before the client has them and looks here
                server.sent += len(part)
            try:
                for piece in [part] if not answer.pause else [part[i : i + 1] for i in range(len(part))]:
                    self.wfile.write(piece)
                    self.wfile.flush()
                    time.sleep(answer.pause)
            except OSError:  # the client has had enough
                self.close_connection = True
            if answer.cut is not None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep quiet."""

    class Quiet(ThreadingHTTPServer):
        request_queue_size = 64

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that goes away is no news."""

    with Quiet(("127.0.0.1", 0), Handler) as http:
        thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        server.url = f"http://127.0.0.1:{http.server_port}"
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
