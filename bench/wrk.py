"""The load generator: ``wrk``, with a script that makes every request a new operation."""

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

SCRIPT = """
local count = 0
local threads = 0
setup = function(thread) threads = threads + 1; thread:set("id", threads) end
request = function()
  count = count + 1
  local body = string.format(%s, "%s-" .. id .. "-" .. count)
  local headers = {["Content-Type"] = "application/json", ["Authorization"] = "Bearer %s"}
  return wrk.format("POST", "%s", headers, body)
end
done = function(summary, latency, requests)
  local refused = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write
  local form = '\\n{"requests": %%d, "seconds": %%f, "p50_ms": %%f, "p99_ms": %%f, "errors": %%d}\\n'
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


def load(url: str, path: str, key: str, body: str, prefix: str, clients: int, seconds: int) -> Load:
    """``clients`` connections post ``body`` to ``path``; ``%s`` in it becomes an id of its own each time."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="utf-8") as script:
        script.write(SCRIPT % (json.dumps(body), prefix, key, path))
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
