"""The life of an embedded engine, on real processes."""

import json
import os
import signal
import stat
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from graph.database import Database
from graph.engines import Connection, folder, open_engine, read_server, write_server
from graph.errors import DataFolderInUse, EngineStartFailed, EngineUnsupported
from tests.support.owner import owner

ADDRESS = "http://127.0.0.1:8600"


def engine_of(data_dir: Path) -> dict[str, Any]:
    return json.loads((data_dir / folder.ENGINE_FILE).read_text())


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def write_one(connection: Connection) -> None:
    with Database(connection) as database:
        database.writing(lambda transaction: transaction.run_text("CREATE (:Kept)"))


def count(connection: Connection) -> int:
    with Database(connection) as database:
        (row,) = database.reading(
            lambda transaction: transaction.run_text("MATCH (n:Kept) RETURN count(n) AS n")
        )
        return row["n"]


def wait_until_gone(data_dir: Path) -> None:
    """The engine's lock is free exactly when its process has ended."""
    os.close(folder.wait_lock(data_dir / folder.ENGINE_LOCK))


@pytest.fixture(scope="module")
def owned(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """A data folder with a running engine that this process owns, for tests that only look."""
    path = tmp_path_factory.mktemp("engine") / "data"
    with open_engine(path, heap_mib=512):
        write_server(path, ADDRESS)
        yield path


def test_a_second_server_is_refused_and_told_where_the_first_one_is(owned: Path) -> None:
    with pytest.raises(DataFolderInUse, match=ADDRESS) as refused, open_engine(owned):
        pass
    assert refused.value.address == ADDRESS
    assert str(os.getpid()) in str(refused.value)


def test_the_address_of_a_server_that_died_does_not_count(data_dir: Path) -> None:
    data_dir.mkdir()
    write_server(data_dir, ADDRESS)
    assert read_server(data_dir) is None


def test_a_clean_stop_keeps_the_data_and_leaves_no_process(data_dir: Path) -> None:
    with open_engine(data_dir, heap_mib=512) as connection:
        write_server(data_dir, ADDRESS)
        write_one(connection)
        pid = engine_of(data_dir)["pid"]
        assert is_alive(pid)
    assert not is_alive(pid)
    assert not (data_dir / folder.SERVER_FILE).exists()
    assert not (data_dir / folder.ENGINE_FILE).exists()
    assert not folder.is_locked(data_dir / folder.OWNER_LOCK)
    with open_engine(data_dir, heap_mib=512) as connection:
        assert count(connection) == 1


def test_a_new_server_adopts_the_engine_of_one_that_died_and_stops_it_at_its_end(data_dir: Path) -> None:
    with owner(data_dir) as first:
        orphan = engine_of(data_dir)["pid"]
        first.send_signal(signal.SIGKILL)
        first.wait()
    with open_engine(data_dir) as connection:
        assert engine_of(data_dir)["pid"] == orphan
        write_one(connection)
        assert count(connection) == 1
    assert not folder.is_locked(data_dir / folder.ENGINE_LOCK)
    assert not (data_dir / folder.ENGINE_FILE).exists()


def test_an_engine_without_an_owner_stops_itself(data_dir: Path) -> None:
    with owner(data_dir, orphan_seconds=0.5) as first:
        first.send_signal(signal.SIGKILL)
        first.wait()
    wait_until_gone(data_dir)
    assert not (data_dir / folder.ENGINE_FILE).exists()


def test_a_new_server_does_not_adopt_an_engine_that_is_leaving(data_dir: Path) -> None:
    with owner(data_dir) as first:
        leaving = engine_of(data_dir)["pid"]
        first.send_signal(signal.SIGKILL)
        first.wait()
    os.kill(leaving, signal.SIGSTOP)  # it has decided to stop, and takes its time
    (data_dir / folder.ENGINE_FILE).unlink()
    os.kill(leaving, signal.SIGTERM)
    os.kill(leaving, signal.SIGCONT)
    with open_engine(data_dir, heap_mib=512) as connection:
        assert engine_of(data_dir)["pid"] != leaving
        assert count(connection) == 0


def test_ctrl_c_in_the_terminal_stops_the_server_and_the_server_its_engine(data_dir: Path) -> None:
    with owner(data_dir) as server:
        engine = engine_of(data_dir)["pid"]
        assert os.getpgid(engine) == engine  # the terminal's Ctrl-C does not reach it
        assert os.getsid(engine) == os.getsid(server.pid)  # and it has its share of the processors with it
        server.send_signal(signal.SIGINT)
        assert server.wait() == 0
        assert not folder.is_locked(data_dir / folder.ENGINE_LOCK)


def test_what_is_in_a_data_folder_is_for_its_owner_alone(owned: Path) -> None:
    names = (folder.PASSWORD_FILE, folder.ENGINE_FILE, folder.SERVER_FILE, "engine.log")
    modes = {name: stat.S_IMODE((owned / name).stat().st_mode) for name in names}
    assert modes == dict.fromkeys(names, 0o600)
    assert stat.S_IMODE(owned.stat().st_mode) == 0o700


def test_the_password_is_long_and_never_shown(owned: Path) -> None:
    password = (owned / folder.PASSWORD_FILE).read_text()
    assert len(password) >= 40
    assert password not in repr(Connection("bolt://127.0.0.1", "root", password, None, "arcadedb"))
    assert password not in (owned / "engine.log").read_text()
    command_line = Path(f"/proc/{engine_of(owned)['pid']}/cmdline")
    assert not command_line.exists() or password not in command_line.read_text()


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux's list of listeners")
def test_the_engine_listens_on_loopback_only(owned: Path) -> None:
    listening = "0A"
    loopback = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
    engine = engine_of(owned)
    hosts: dict[int, str] = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{engine['pid']}/net/{table}").read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            host, _, port = local.partition(":")
            if state == listening and int(port, 16) in {engine["bolt_port"], engine["http_port"]}:
                hosts[int(port, 16)] = host
    assert set(hosts) == {engine["bolt_port"], engine["http_port"]}
    assert set(hosts.values()) <= loopback


def test_an_engine_that_cannot_start_says_why_and_what_else_there_is(data_dir: Path) -> None:
    with (
        pytest.raises(EngineStartFailed, match=r"(?s)NEO4J_URI.*engine\.log.*heap"),
        open_engine(data_dir, heap_mib=1),
    ):
        pass
    assert not folder.is_locked(data_dir / folder.OWNER_LOCK)


def test_a_platform_without_an_engine_is_told_how_to_use_neo4j(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    with pytest.raises(EngineUnsupported, match=r"NEO4J_URI=bolt://"), open_engine(data_dir):
        pass


def test_an_external_neo4j_needs_no_folder(data_dir: Path) -> None:
    external = Connection("bolt://graph.example:7687", "neo4j", "secret", "neo4j", "neo4j")
    with open_engine(data_dir, neo4j=external) as connection:
        assert connection is external
    assert not data_dir.exists()
