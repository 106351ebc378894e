"""A stand-in for the Hugging Face hub, to read datasets from: real HTTP on loopback, repositories out of memory."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REVISIONS = ("main", "v1", COMMIT)
STATUS = {"private": (401, "RepoNotFound"), "gated": (403, "GatedRepo"), "trouble": (503, "")}
"""Owners whose repositories are refused, each with the status and the error code of the hub."""

_PATH = re.compile(r"(?:/api)?/datasets/([^/]+/[^/]+)(?:/(revision|tree|paths-info|resolve)/([^/]+)/?(.*))?")

Files = dict[str, bytes]


@dataclass
class DatasetHub:
    """What the server holds and what it was asked for."""

    repositories: dict[str, Files]
    asked: list[str] = field(default_factory=list)
    url: str = ""


@contextmanager
def serve_datasets(repositories: dict[str, Files]) -> Iterator[DatasetHub]:
    """Serve datasets by name, `owner/name`."""
    hub = DatasetHub(repositories)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: DatasetHub

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        self.hub.asked.append(f"{self.command} {parts.path}")
        match = _PATH.fullmatch(unquote(parts.path))
        if not match:
            return self._refuse(404, "")
        name, kind, revision, rest = match.groups()
        files = self.hub.repositories.get(name)
        if files is None:
            return self._refuse(*STATUS.get(name.split("/")[0], (401, "RepoNotFound")))
        if revision not in (None, *REVISIONS):
            return self._refuse(404, "RevisionNotFound")
        if kind == "resolve":
            return self._file(files, rest)
        if kind == "paths-info":
            asked = json.loads(body)["paths"] if body.startswith(b"{") else parse_qs(body.decode())["paths"]
            return self._json([entry for entry in _tree(files) if entry["path"] in asked])
        if kind == "tree":
            deep = parse_qs(parts.query).get("recursive", ["false"])[0].lower() == "true"
            return self._folder(files, rest, deep)
        siblings = [{"rfilename": path} for path in files]
        return self._json({"id": name, "sha": COMMIT, "private": False, "gated": False, "siblings": siblings})

    def _folder(self, files: Files, path: str, deep: bool) -> None:
        start = f"{path}/" if path else ""
        inside = [entry for entry in _tree(files) if entry["path"].startswith(start)]
        if path and not inside:
            return self._refuse(404, "EntryNotFound")
        return self._json([entry for entry in inside if deep or "/" not in entry["path"].removeprefix(start)])

    def _file(self, files: Files, path: str) -> None:
        if path not in files:
            return self._refuse(404, "EntryNotFound")
        data = files[path]
        headers = {"ETag": f'"{_oid(data)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if not asked:
            return self._send(200, data, headers)
        start, end = int(asked[1]), min(int(asked[2] or len(data) - 1), len(data) - 1)
        headers["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
        return self._send(206, data[start : end + 1], headers)

    def _json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _refuse(self, status: int, code: str) -> None:
        self._send(status, json.dumps({"error": code}).encode(), {"X-Error-Code": code, "X-Error-Message": code})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _oid(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


def _tree(files: Files) -> list[dict[str, Any]]:
    folders = {path.rpartition("/")[0] for path in files} - {""}
    entries: list[dict[str, Any]] = [
        {"type": "directory", "path": path, "oid": "0" * 40, "size": 0} for path in folders
    ]
    return entries + [
        {"type": "file", "path": path, "oid": _oid(data), "size": len(data)} for path, data in files.items()
    ]
