"""The examination of an installation, on both engines and on broken ones."""

import json
import time
from pathlib import Path

import pytest

from cypher import ledger as queries
from graph.database import Database
from graph.health import clocks, pending
from graph.migrations import MIGRATIONS
from server.doctor import clock, folder, prices
from server.shadows import ROOMS, State, imports
from tests.support.servers import ServerProcess, costgraph, on_engine
from tests.test_tidy import ROOMS as SHIPPED

CHECKS = ["imports", "prices", "folder", "disk", "engine", "migrations", "clock", "archives"]


def examined(server: ServerProcess) -> dict[str, dict[str, str]]:
    ended = costgraph("doctor", "--json", settings=server.settings)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return {each["check"]: each for each in json.loads(ended.stdout)}


def test_a_sound_installation_has_no_failures(server: ServerProcess) -> None:
    found = examined(server)
    expected = [name for name in CHECKS if server.kind == "arcadedb" or name not in {"folder", "disk"}]
    assert list(found) == expected
    assert {name for name, each in found.items() if each["state"] == "failed"} == set()
    assert server.kind in found["engine"]["found"]
    assert found["migrations"]["state"] == "ok"


def test_a_folder_without_a_graph_is_examined_and_left_as_it_is(data_dir: Path) -> None:
    ended = costgraph("doctor", settings=on_engine(data_dir))
    assert ended.returncode == 0, ended.stderr
    assert "there is no graph yet" in ended.stdout
    assert not data_dir.exists()


def test_an_engine_that_is_away_is_a_failure_with_a_next_step(data_dir: Path) -> None:
    settings = {
        "COSTGRAPH_DATA_DIR": str(data_dir),
        "NEO4J_URI": "bolt://127.0.0.1:9",
        "COSTGRAPH_ADMIN_KEY": "k" * 32,
    }
    ended = costgraph("doctor", settings=settings)
    assert ended.returncode == 1
    assert "✗ engine" in ended.stdout
    assert "→ Start it" in ended.stdout
    assert "checks failed" in ended.stderr


def test_every_room_is_looked_for() -> None:
    assert set(ROOMS) == SHIPPED
    assert imports().state is State.OK


@pytest.mark.parametrize("layout", ["schema.py", "schema/__init__.py", "schema/other.py"])
def test_a_package_that_shadows_a_room_is_named(tmp_path: Path, layout: str) -> None:
    path = tmp_path / layout
    path.parent.mkdir(exist_ok=True)
    path.write_text("", encoding="utf-8")
    found = imports([str(tmp_path), str(Path(__file__).parents[2])])
    # A folder without __init__.py never wins against a package further down the path.
    if layout == "schema/other.py":
        assert found.state is State.OK
    else:
        assert (found.state, "schema" in found.found) == (State.FAILED, True)


def test_the_command_names_it_too(tmp_path: Path) -> None:
    (tmp_path / "graph.py").write_text("raise SystemExit(9)\n", encoding="utf-8")
    ended = costgraph("doctor", settings={"PYTHONPATH": str(tmp_path)})
    assert ended.returncode == 1
    assert "other packages shadow ours: graph" in ended.stdout


def test_secrets_that_others_may_read_are_a_failure(data_dir: Path) -> None:
    data_dir.mkdir(mode=0o700)
    key = data_dir / "admin.key"
    key.write_text("secret", encoding="utf-8")
    key.chmod(0o640)
    found = folder(data_dir)
    assert (found.state, found.next_step) == (State.FAILED, f"chmod go= {key}")
    key.chmod(0o600)
    assert folder(data_dir).state is State.OK


def test_the_price_data_says_how_new_it_is() -> None:
    assert "genai-prices" in prices().found


def test_clocks_that_agree_are_told_from_a_ledger_of_the_future(empty_database: Database) -> None:
    assert abs(clocks(empty_database).engine_us) < 1_000_000
    assert clock(empty_database).state is State.OK
    empty_database.write(queries.FOUND_TENANT, {"tenant": "t"})
    tomorrow = time.time_ns() // 1_000 + 86_400_000_000
    with empty_database.transaction() as transaction:
        transaction.run_text("MATCH (l:Ledger {uid: 't'}) SET l.last_now_us = $at", {"at": tomorrow})
    found = clock(empty_database)
    assert (found.state, "ahead" in found.found) == (State.FAILED, True)


def test_what_the_next_server_will_apply_is_told_beforehand(database: Database) -> None:
    assert pending(database, MIGRATIONS) == []
