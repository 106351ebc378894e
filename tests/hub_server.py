"""A stand-in for the Hugging Face hub: real HTTP on loopback, as much of its protocol as publishing a dataset takes."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "hf_testTokenOfNobody123"


@dataclass
class Hub:
    """What the server holds and has seen: the files of each repository, and which of them are private."""

    refuse: dict[str, int] = field(default_factory=dict)
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    private: dict[str, bool] = field(default_factory=dict)
    stored: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    url: str = ""


@contextmanager
def serving(**values: Any) -> Iterator[Hub]:
    """Serve a hub while the block runs. `refuse` maps a word of a path to the status that it is answered with."""
    hub = Hub(**values)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Stay quiet."""

    def do_GET(self) -> None:
        if match := re.fullmatch(r"/datasets/([^/]+/[^/]+)/resolve/[^/]+/(.+)", self.path.partition("?")[0]):
            self._send_file(match[1], match[2])
        else:
            self._answer(b"")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.hub.stored[self.path.rpartition("/")[2]] = body
        self._send(200, {})

    def _answer(self, body: bytes) -> None:
        path = self.path.partition("?")[0]
        self.hub.requests.append((self.command, path))
        self.hub.tokens.add(self.headers.get("Authorization", ""))
        for word, status in self.hub.refuse.items():
            if word in path:
                self._send(status, {"error": "no"})
                return
        self._send(*self._result(path, body))

    def _result(self, path: str, body: bytes) -> tuple[int, Any]:
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}
        if match := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)(?:/revision/main)?", path):
            return self._info(match[1])
        if match := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)/preupload/main", path):
            return 200, {"files": [self._mode(file) for file in json.loads(body)["files"]]}
        if match := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)/tree/(?:main|0+)", path):
            files = self.hub.files[match[1]].items()
            return 200, [{"type": "file", "path": name, "size": len(data), "oid": "2" * 40} for name, data in files]
        if match := re.fullmatch(r"/datasets/([^/]+/[^/]+)\.git/info/lfs/objects/batch", path):
            return 200, {"transfer": "basic", "objects": [self._place(each) for each in json.loads(body)["objects"]]}
        if match := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)/commit/main", path):
            return self._commit(match[1], body)
        return 404, {"error": f"unknown {path}"}

    def _create(self, request: dict[str, Any]) -> tuple[int, Any]:
        name = f"{request['organization']}/{request['name']}"
        url = f"{self.hub.url}/datasets/{name}"
        if name in self.hub.private:
            return 409, {"error": "You already created this dataset repo", "url": url}
        private = request.get("visibility") == "private" or request.get("private") is True
        self.hub.private[name], self.hub.files[name] = private, {}
        return 200, {"url": url, "id": name, "name": name}

    def _info(self, name: str) -> tuple[int, Any]:
        if name not in self.hub.private:
            return 404, {"error": "not found"}
        return 200, {"id": name, "private": self.hub.private[name], "sha": "0" * 40, "siblings": []}

    def _mode(self, file: dict[str, Any]) -> dict[str, Any]:
        large = file["path"].endswith((".parquet", ".7z"))
        return {"path": file["path"], "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}

    def _place(self, each: dict[str, Any]) -> dict[str, Any]:
        return {**each, "actions": {"upload": {"href": f"{self.hub.url}/lfs/{each['oid']}", "header": {}}}}

    def _commit(self, name: str, body: bytes) -> tuple[int, Any]:
        for line in body.splitlines():
            item = json.loads(line)
            value = item["value"]
            if item["key"] == "file":
                self.hub.files[name][value["path"]] = base64.b64decode(value["content"])
            elif item["key"] == "deletedFile":
                del self.hub.files[name][value["path"]]
            elif item["key"] == "lfsFile":
                content = self.hub.stored[value["oid"]]
                assert hashlib.sha256(content).hexdigest() == value["oid"]
                self.hub.files[name][value["path"]] = content
        oid = "1" * 40
        return 200, {"commitUrl": f"{self.hub.url}/datasets/{name}/commit/{oid}", "commitOid": oid, "success": True}

    def _send_file(self, name: str, path: str) -> None:
        data = self.hub.files[name][path]
        self.send_response(200)
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    def _send(self, status: int, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
