"""The load generator: ``wrk``, with scripts that make every request a new operation, or add to old ones."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SCRIPT = """
local count, threads = 0, 0
local held, first, last = {}, 1, 0
local settle = %s
local headers = {["Content-Type"] = "application/json", ["Authorization"] = "Bearer %s"}
setup = function(thread) threads = threads + 1; thread:set("id", threads) end
request = function()
  if settle and first <= last then
    local key, reservation = held[first][1], held[first][2]
    held[first] = nil
    first = first + 1
    return wrk.format("POST", "%s/" .. reservation .. "/settle", headers, string.format(settle, key))
  end
  count = count + 1
  local key = "%s-" .. id .. "-" .. count
  return wrk.format("POST", "%s", headers, string.format(%s, key))
end
if settle then
  response = function(status, _, body)
    local reservation = status == 201 and body:match('"reservation_id":"([^"]+)"')
    if reservation then
      last = last + 1
      held[last] = {reservation, reservation}
    end
  end
end
"""
IN_TURN = """
local threads = 0
local headers = {["Content-Type"] = "application/json", ["Authorization"] = "Bearer %s"}
local paths = {%s}
local at = 0
setup = function(thread) thread:set("first", threads); threads = threads + 1 end
init = function() at = first end
request = function()
  at = at + 2
  return wrk.format("POST", paths[at %% #paths + 1], headers, %s)
end
"""
DONE = """
done = function(summary, latency, requests)
  local refused = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write
  local form = '\\n{"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "errors": %d}\\n'
  io.write(string.format(form, summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, refused + summary.errors.timeout))
end
"""


@dataclass(frozen=True)
class Load:
    """What a run of wrk saw."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    errors: int

    @property
    def rate(self) -> float:
        """Answered requests per second."""
        return self.requests / self.seconds


def available() -> bool:
    """Whether wrk is installed."""
    return shutil.which("wrk") is not None


def load(
    url: str,
    path: str,
    key: str,
    body: str,
    prefix: str,
    clients: int,
    seconds: int,
    *,
    settle: str | None = None,
) -> Load:
    """``clients`` connections post ``body`` to ``path``; ``%s`` in it becomes an id of its own each time.

    With ``settle``, every reservation that was answered is settled by the next request, with that body.
    """
    second = "nil" if settle is None else json.dumps(settle)
    script = SCRIPT % (second, key, path, prefix, path, json.dumps(body))
    return _run(script + DONE, url, clients, seconds)


def in_turn(url: str, paths: Sequence[str], key: str, body: str, clients: int, seconds: int) -> Load:
    """``clients`` connections post ``body`` to one path after the other, and begin again."""
    listed = ", ".join(json.dumps(each) for each in paths)
    return _run(IN_TURN % (key, listed, json.dumps(body)) + DONE, url, clients, seconds)


def _run(text: str, url: str, clients: int, seconds: int) -> Load:
    with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="utf-8") as script:
        script.write(text)
        script.flush()
        threads = "1" if clients == 1 else "2"
        command = [
            "wrk",
            f"-t{threads}",
            f"-c{clients}",
            f"-d{seconds}s",
            "--timeout",
            "10s",
            "-s",
            script.name,
            url,
        ]
        out = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path("/")).stdout
    return Load(**json.loads(out.strip().splitlines()[-1]))
