"""A stand-in for an endpoint that speaks OpenAI's protocol: real HTTP on loopback, answers by a script, faults by plan.

It counts for each text how many completions it finished sending, that is: how often the text was paid for.
"""

import json
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from gnb.prompting.chat import answer_json

KEY = "sk-test-9f3aK2mQ7xLw"
Plan = Callable[[str, int], str]
"""Names the fault for a text and how often it was asked for before, "" for none."""


def neutral_of(text: str) -> str:
    """Return what the stand-in makes of a text."""
    return text.replace("مردانه", "محکم").replace("دولتمردان", "مقامات")


@dataclass
class Endpoint:
    """What the server does and what it has seen."""

    fault: Plan = lambda text, asked: ""
    content: Callable[[str], str] = lambda text: answer_json(neutral_of(text))
    formats: tuple[str, ...] = ("json_schema", "json_object", "none")
    paid: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    batch_status: Callable[[dict[str, Any]], str] = lambda batch: "completed"
    batch_error: str = "Enqueued token limit reached"
    bad_line: str | None = None
    instead: dict[str, bytes] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    errors: dict[str, tuple[int, dict[str, Any], dict[str, str]]] = field(default_factory=lambda: dict(ERRORS))
    at_once: int = 0
    most_at_once: int = 0
    release: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""

    def unsupported(self, request: dict[str, Any]) -> str:
        form = request.get("response_format", {"type": "none"})["type"]
        return "" if form in self.formats else f"response_format {form} is not supported"

    def completion(self, request: dict[str, Any], content: str | None, reason: str = "stop") -> dict[str, Any]:
        text = request["messages"][-1]["content"]
        return {
            "id": "x",
            "object": "chat.completion",
            "model": request["model"],
            "choices": [{"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": content}}],
            "usage": {"prompt_tokens": 100, "completion_tokens": len(text.split()), "total_tokens": 0},
        }


@contextmanager
def serving(**values: Any) -> Iterator[Endpoint]:
    """Serve an endpoint while the block runs."""
    endpoint = Endpoint(**values)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"endpoint": endpoint}))
    server.daemon_threads = True
    endpoint.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        endpoint.release.set()
        server.shutdown()
        server.server_close()


def random_faults(seed: int, share: float, kinds: tuple[str, ...]) -> Plan:
    """Return a plan in which that share of the first three requests for each text meets a fault."""
    dice = random.Random(seed)
    return lambda text, asked: dice.choice(kinds) if asked < 3 and dice.random() < share else ""


BROKEN = ("reset", "cut", "garbage", "page", "slow", "deep")
ERRORS: dict[str, tuple[int, dict[str, Any], dict[str, str]]] = {
    "429": (429, {"message": "Rate limit reached", "code": "rate_limit_exceeded"}, {"Retry-After": "0.01"}),
    "429-date": (429, {"message": "Rate limit reached"}, {"Retry-After": "DATE"}),
    "429-day": (429, {"message": "Come back tomorrow"}, {"Retry-After": "86400"}),
    "500": (500, {"message": "The server had an error"}, {}),
    "503": (503, {"message": "Overloaded"}, {}),
    "quota": (429, {"message": "You exceeded your current quota", "code": "insufficient_quota"}, {}),
    "402": (402, {"message": "Insufficient Balance"}, {}),
    "401": (401, {"message": f"Incorrect API key provided: {KEY}.", "code": "invalid_api_key"}, {}),
    "403": (403, {"message": "Country not supported"}, {}),
    "404": (404, {"message": "Not Found"}, {}),
    "no-model": (404, {"message": "The model `gpt-x` does not exist", "code": "model_not_found"}, {}),
    "too-long": (400, {"message": "maximum context length is 4096 tokens", "code": "context_length_exceeded"}, {}),
    "filter": (400, {"message": "The response was filtered", "code": "content_filter"}, {}),
    "bad": (400, {"message": "I do not like this one"}, {}),
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes
    endpoint: Endpoint

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        self.endpoint.headers.append({key.lower(): value for key, value in self.headers.items()})
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path in self.endpoint.unknown:
            return self._error("404")
        if self.path in self.endpoint.instead:
            return self._bytes(200, self.endpoint.instead[self.path], "application/json")
        match self.path:
            case "/v1/chat/completions":
                self._chat(json.loads(body))
            case "/v1/files":
                self._upload(body)
            case "/v1/batches":
                self._create(json.loads(body))
            case _:
                self._error("404")
        return None

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path in self.endpoint.unknown:
            return self._error("404")
        if path in self.endpoint.instead:
            return self._bytes(200, self.endpoint.instead[path], "application/json")
        parts = path.removeprefix("/v1/").split("/")
        match parts:
            case ["batches"]:
                self._send(200, {"object": "list", "data": list(self.endpoint.batches.values()), "has_more": False})
            case ["batches", name] if name in self.endpoint.batches:
                batch = self.endpoint.batches[name]
                if batch["status"] == "in_progress":
                    self._run(batch, self.endpoint.batch_status(batch))
                self._send(200, batch)
            case ["files", name, "content"] if name in self.endpoint.files:
                self._bytes(200, self.endpoint.files[name], "application/octet-stream")
            case _:
                self._error("404")
        return None

    def _chat(self, request: dict[str, Any]) -> None:
        endpoint, text = self.endpoint, request["messages"][-1]["content"]
        with endpoint.lock:
            fault = endpoint.fault(text, endpoint.asked[text])
            endpoint.asked[text] += 1
            endpoint.requests.append(request)
            endpoint.at_once += 1
            endpoint.most_at_once = max(endpoint.most_at_once, endpoint.at_once)
        try:
            self._answer(request, text, fault)
        finally:
            with endpoint.lock:
                endpoint.at_once -= 1

    def _answer(self, request: dict[str, Any], text: str, fault: str) -> None:
        body = self.endpoint.completion(request, self.endpoint.content(text))
        if said := self.endpoint.unsupported(request):
            self._send(400, {"error": {"message": said}})
        elif fault in self.endpoint.errors:
            self._error(fault)
        elif fault in BROKEN:
            self._break(fault)
        else:
            if fault == "hold":
                self.endpoint.release.wait()
            self._pay(text, self._worded(request, fault) if fault not in ("", "hold") else body)

    def _worded(self, request: dict[str, Any], fault: str) -> dict[str, Any]:
        """Return a completion that is of no use."""
        if fault == "length":
            return self.endpoint.completion(request, '{"neutral": "نیم', "length")
        if fault.startswith("say:"):
            return self.endpoint.completion(request, fault.removeprefix("say:"))
        assert fault == "refusal", fault
        body = self.endpoint.completion(request, None)
        body["choices"][0]["message"]["refusal"] = "I'm sorry, but I can't help with that."
        return body

    def _break(self, fault: str) -> None:
        """Send something that is no completion, or nothing at all."""
        self.close_connection = True
        match fault:
            case "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
            case "cut":
                self._bytes(200, b'{"choices": [{"mess', "application/json", length=1000)
            case "garbage":
                self._bytes(200, b'{"choices": [{"mess', "application/json")
            case "page":
                self._bytes(200, b"<html>Welcome</html>", "text/html")
            case "deep":
                self._bytes(200, b"[" * 100_000, "application/json")
            case "slow":
                self.endpoint.release.wait()  # nobody listens any more

    def _pay(self, text: str, body: dict[str, Any]) -> None:
        with self.endpoint.lock:
            self.endpoint.paid[text] += 1
        self._send(200, body)

    def _upload(self, body: bytes) -> None:
        boundary = self.headers["Content-Type"].partition("boundary=")[2].encode()
        part = next(part for part in body.split(b"--" + boundary) if b'name="file"' in part)
        name = f"file-{len(self.endpoint.files)}"
        self.endpoint.files[name] = part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
        self._send(200, {"id": name, "object": "file", "purpose": "batch", "filename": "gnb.jsonl", "bytes": 1})

    def _create(self, request: dict[str, Any]) -> None:
        name = f"batch-{len(self.endpoint.batches)}"
        batch = {**request, "id": name, "object": "batch", "status": "in_progress", "created_at": 0}
        self.endpoint.batches[name] = batch
        if self.endpoint.fault("create", self.endpoint.asked["create"]) == "lost":
            self.endpoint.asked["create"] += 1
            self._error("500")
        else:
            self._send(200, batch)

    def _run(self, batch: dict[str, Any], status: str) -> None:
        batch["status"] = status
        results: dict[str, list[str]] = {"output_file_id": [], "error_file_id": []}
        lines = self.endpoint.files[batch["input_file_id"]].decode().splitlines()
        if status == "expired":
            lines = lines[: len(lines) // 2]
        if status not in ("completed", "expired"):
            batch["errors"] = {"object": "list", "data": [{"message": self.endpoint.batch_error}]}
            return
        for line in map(json.loads, lines):
            kind, result = self._line(line)
            results[kind].append(json.dumps(result))
        if self.endpoint.bad_line is not None:  # in the place of the first
            name = json.loads(lines[0])["custom_id"]
            results["output_file_id"][0] = self.endpoint.bad_line.replace("KEY", name)
        for kind, found in results.items():
            if found:
                batch[kind] = f"{batch['id']}-{kind}"
                self.endpoint.files[batch[kind]] = "\n".join(found).encode()

    def _line(self, line: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        request, text = line["body"], line["body"]["messages"][-1]["content"]
        fault = self.endpoint.fault(text, self.endpoint.asked[text])
        self.endpoint.asked[text] += 1
        said = self.endpoint.unsupported(request)
        if fault in ERRORS or said:
            status, error, _ = ERRORS[fault] if fault else (400, {"message": said}, {})
            response = {"status_code": status, "body": {"error": error}}
            return "error_file_id", {"custom_id": line["custom_id"], "response": response, "error": None}
        self.endpoint.paid[text] += 1
        body = self.endpoint.completion(request, self.endpoint.content(text))
        response = {"status_code": 200, "body": body}
        return "output_file_id", {"custom_id": line["custom_id"], "response": response, "error": None}

    def _error(self, fault: str) -> None:
        status, error, headers = self.endpoint.errors[fault]
        headers = {
            key: formatdate(time.time() + 1, usegmt=True) if value == "DATE" else value
            for key, value in headers.items()
        }
        self._send(status, {"error": error}, headers)

    def _send(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._bytes(status, json.dumps(body).encode(), "application/json", headers=headers)

    def _bytes(
        self, status: int, data: bytes, kind: str, *, length: int | None = None, headers: dict[str, str] | None = None
    ) -> None:
        with suppress(OSError):  # the client may be gone
            self.send_response(status)
            for key, value in {
                "Content-Type": kind,
                "Content-Length": str(length or len(data)),
                **(headers or {}),
            }.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(data)
