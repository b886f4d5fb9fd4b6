"""What a server logs: one JSON object per line, and never a secret, whatever goes wrong."""

import json
import os
import signal
from pathlib import Path

from graph.engines.folder import PASSWORD_FILE
from graph.keys import hash_of
from tests.server.test_doors import new_key
from tests.server.test_rest_usage import usage
from tests.support.servers import ServerProcess, costgraph, eventually, on_engine

GUESSED = "cg_a-guess-that-somebody-made-0123456789"


def secrets_of(data_dir: Path) -> set[str]:
    """What the folder keeps to itself."""
    return {(data_dir / name).read_text(encoding="utf-8").strip() for name in ("admin.key", PASSWORD_FILE)}


def test_logs_are_structured_and_hold_no_secret(data_dir: Path) -> None:
    with ServerProcess(on_engine(data_dir)) as server:
        secrets = secrets_of(data_dir) | {GUESSED}
        with server.client() as client:
            key = new_key(client, role="OPERATOR")
            secrets |= {key, hash_of(key), hash_of(server.admin_key)}
            client.post("/graphql", json={"query": f'{{ budget(budgetId: "{key}" }}'})
            client.post("/v1/usage", content=key.encode(), headers={"content-type": "application/json"})
            client.get("/v1/exports/usage", params={"budget_id": key})
        with server.client(GUESSED) as client:
            assert client.get("/v1/reservations/x").status_code == 401
        with server.client(key) as client:
            os.kill(server.engine()["pid"], signal.SIGKILL)
            codes = [client.post("/v1/usage", json=usage(f"op{each}")).status_code for each in range(3)]
            assert set(codes) <= {201, 503}
            eventually(lambda: client.post("/v1/usage", json=usage("after")).status_code in {200, 201}, 60)
        assert server.stop() == 0
    lines = server.last_words.splitlines()
    assert any("ended unexpectedly" in line for line in lines)
    for line in lines:
        entry = json.loads(line)
        assert {"event", "level", "timestamp"} <= set(entry), line
    assert not [secret for secret in secrets if secret in server.last_words]


def test_an_engine_that_refuses_us_is_reported_without_the_password(data_dir: Path) -> None:
    password, key = "a-password-that-nobody-may-read", "k" * 32
    settings = {
        "COSTGRAPH_DATA_DIR": str(data_dir),
        "NEO4J_URI": "bolt://127.0.0.1:9",
        "NEO4J_PASSWORD": password,
        "COSTGRAPH_ADMIN_KEY": key,
    }
    ended = costgraph("serve", "--port", "0", settings=settings)
    assert ended.returncode == 3
    said = ended.stdout + ended.stderr
    assert "does not answer" in said
    assert password not in said
    assert key not in said
