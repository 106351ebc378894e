"""A stand-in for the Hugging Face hub on loopback: one model, in the hub's layout of addresses, and its refusals."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

NAME = "meta-llama/Meta-Llama-3-8B"
COMMIT = "8cde5ca8380496c9a6cc7ef3a8b46a0372a1d920"
TOKEN = "hf_secretsecretsecret"


class Hub:
    """Serves a model's folder under a name.

    Attributes:
        fault: what goes wrong: "" for nothing, "gated" (nobody has access), "refused" (no token is accepted),
            "missing", "trouble" (500), "slow", "cut" (files end in the middle).
        asked: every method and path, in order.
        tokens: the tokens that came along.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fault = ""
        self.asked: list[str] = []
        self.tokens: set[str] = set()
        self.address = ""
        self.ended = Event()

    def files(self) -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in sorted(self.folder.iterdir())}

    def gets(self) -> list[str]:
        """Return the names of the files that were fetched."""
        return [line.rpartition("/")[2] for line in self.asked if line.startswith("GET") and "/resolve/" in line]


@contextmanager
def serve(folder: Path) -> Iterator[Hub]:
    """Run a stand-in that serves a folder."""
    hub = Hub(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub, path = self.hub, self.path.partition("?")[0]
        hub.asked.append(f"{self.command} {path}")
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token:
            hub.tokens.add(token)
        if hub.fault == "slow":
            hub.ended.wait(30)
        elif hub.fault == "trouble":
            self._send(500, b"{}")
        elif hub.fault == "refused":
            self._refuse(401, "", "Invalid credentials in Authorization header")
        elif hub.fault == "missing" or NAME not in path:
            self._refuse(404 if token else 401, "RepoNotFound", "Repository not found")
        elif path.startswith(f"/api/models/{NAME}"):
            self._tell(path.removeprefix(f"/api/models/{NAME}"))
        else:
            self._file(path.removeprefix(f"/{NAME}/resolve/").partition("/")[2], token)

    def _tell(self, rest: str) -> None:
        files = self.hub.files()
        if rest.startswith("/tree/"):
            found = [{"path": name, "size": len(data), "oid": _etag(data)} for name, data in files.items()]
            self._send(200, json.dumps([{"type": "file", **each} for each in found]).encode())
        elif rest in ("", "/revision/main", f"/revision/{COMMIT}"):
            siblings = [{"rfilename": name} for name in files]
            self._send(200, json.dumps({"id": NAME, "sha": COMMIT, "siblings": siblings, "gated": "manual"}).encode())
        else:
            self._refuse(404, "RevisionNotFound", "Invalid rev id")

    def _file(self, name: str, token: str) -> None:
        data = self.hub.files().get(name)
        if self.hub.fault == "gated":
            self._refuse(403 if token else 401, "GatedRepo", "Access to this model is restricted")
            return
        if data is None:
            self._refuse(404, "EntryNotFound", "Entry not found")
            return
        cut = self.hub.fault == "cut" and len(data) > 10_000
        if cut and self.headers.get("Range"):
            self.close_connection = True  # nothing more comes
            return
        head = {"ETag": f'"{_etag(data)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        self._send(200, data, head, sent=len(data) // 2 if cut else len(data))

    def _refuse(self, status: int, code: str, message: str) -> None:
        self._send(status, b"{}", {"X-Error-Code": code, "X-Error-Message": message})

    def _send(self, status: int, data: bytes, head: dict[str, str] | None = None, sent: int | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(head or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(data[:sent])
        if sent is not None and sent < len(data):
            self.close_connection = True


def _etag(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()
