"""A model provider for tests: a real HTTP server that answers, bills tokens, and remembers what it billed.

A request is billed once per ``Idempotency-Key``, whoever repeats it. What it answers follows from the request
alone, so that a run comes out the same however often it is begun.
"""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL, VENDOR = "gpt-4o-mini", "openai"
PROMPT_TOKENS_MAX, COMPLETION_TOKENS_MAX = 2_000, 600


def chance(*parts: object) -> float:
    """A number in [0, 1) that follows from some parts."""
    digest = blake2b(json.dumps(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def answer_to(agent: str, skill: float, task: str) -> dict[str, Any]:
    """What the model does with a task, and how many tokens that takes; never more than the bounds."""
    spread = chance("tokens", agent, task)
    return {
        "solved": chance("task", task) < skill,
        "prompt_tokens": int(500 + (PROMPT_TOKENS_MAX - 500) * spread),
        "completion_tokens": int(100 + (COMPLETION_TOKENS_MAX - 100) * (1 - skill) * spread),
    }


@dataclass
class Provider:
    """What was billed: the usage of each key, once; and how often each was asked for."""

    url: str = ""
    billed: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    asked: dict[str, int] = field(default_factory=dict[str, int])
    lock: threading.Lock = field(default_factory=threading.Lock)

    def complete(self, key: str, said: dict[str, Any]) -> dict[str, Any]:
        """Answer and bill."""
        answer = answer_to(said["agent"], said["skill"], said["task"])
        usage = {name: answer[name] for name in ("prompt_tokens", "completion_tokens")}
        with self.lock:
            self.asked[key] = self.asked.get(key, 0) + 1
            self.billed.setdefault(key, usage)
        return answer


@contextmanager
def provider() -> Generator[Provider]:
    """A running provider."""
    made = Provider()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(made.complete(self.headers["Idempotency-Key"], said)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - theirs
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
