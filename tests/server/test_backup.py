"""Backups of the embedded engine: made under load, restored, and what is refused."""

import json
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from graph.engines import backup as backups
from graph.engines import open_engine
from graph.engines.embedded import has_graph
from graph.errors import BackupFailed, DataFolderInUse
from tests.server.test_doors import CREATE_BUDGET, new_key
from tests.server.test_rest_usage import usage
from tests.support.servers import ServerProcess, costgraph, on_engine

CLIENTS = 6
BEFORE = 600
"""Operations that are acknowledged before the backup begins, at least."""
BATCH = 5


class Load:
    """Clients that record until they are told to stop; ``acknowledged`` grows."""

    def __init__(self, server: ServerProcess) -> None:
        self._server = server
        self._stop = threading.Event()
        self.acknowledged: list[str] = []
        self.failures: list[object] = []
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(CLIENTS)]

    def __enter__(self) -> Self:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for each in self._threads:
            each.join()

    def wait(self, count: int) -> None:
        while len(self.acknowledged) < count and not self.failures:
            self._stop.wait(0.01)

    def _run(self, client_number: int) -> None:
        number = 0
        with self._server.client() as client:
            while not self._stop.is_set():
                ids = [f"c{client_number}-{number + each}" for each in range(BATCH)]
                rows = [usage(each, agent_id="a", budget_id=f"b{client_number}") for each in ids]
                answer = client.post("/v1/usage", json=rows)
                if answer.status_code != 200:
                    self.failures.append(answer.text)
                    return
                self.acknowledged.extend(ids)
                number += BATCH


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str], str]:
    """A backup taken under load, what was acknowledged before it began, and a key."""
    folder = tmp_path_factory.mktemp("backup")
    path = folder / "saved.zip"
    with ServerProcess(on_engine(folder / "data")) as server:
        with server.client() as client:
            for number in range(CLIENTS):
                client.data(CREATE_BUDGET, input={"budgetId": f"b{number}", "budgetType": "CUSTOM"})
            key = new_key(client, role="OPERATOR")
        with Load(server) as load:
            load.wait(BEFORE)
            before = list(load.acknowledged)
            ended = costgraph("backup", str(path), settings=server.settings)
            after = len(load.acknowledged)
            load.wait(after + BATCH)
        assert not load.failures
        assert ended.returncode == 0, ended.stderr
        assert "MiB" in ended.stdout
        assert after > len(before), "the server went on meanwhile"
    return path, before, key


def test_what_was_acknowledged_before_a_backup_is_in_it(
    saved: tuple[Path, list[str], str], data_dir: Path
) -> None:
    path, before, key = saved
    assert path.stat().st_mode & 0o077 == 0
    ended = costgraph("restore", str(path), settings=on_engine(data_dir))
    assert ended.returncode == 0, ended.stderr
    with ServerProcess(on_engine(data_dir)) as server:
        verified = costgraph("verify", settings=server.settings)
        assert verified.returncode == 0, verified.stdout + verified.stderr
        with server.client(key) as client:
            exported = client.get("/v1/exports/usage", params={"format": "jsonl"}).text
            held = {json.loads(line)["operation_id"] for line in exported.splitlines()}
            assert set(before) <= held
            again = [usage(each, agent_id="a", budget_id=f"b{each[1]}") for each in before[:100]]
            results = client.post("/v1/usage", json=again).json()["results"]
            assert {each["duplicate"] for each in results} == {True}
            fresh = client.post("/v1/usage", json=usage("fresh", budget_id="b0"))
            assert fresh.status_code == 201
        assert costgraph("verify", settings=server.settings).returncode == 0


def test_nothing_is_overwritten(saved: tuple[Path, list[str], str], data_dir: Path) -> None:
    path, _, _ = saved
    content = path.read_bytes()
    backups.restore(path, data_dir)
    with pytest.raises(BackupFailed, match="holds a graph"):
        backups.restore(path, data_dir)
    ended = costgraph("backup", str(path), settings=on_engine(data_dir))
    assert (ended.returncode, "exists" in ended.stderr) == (1, True)
    assert path.read_bytes() == content
    ended = costgraph("backup", settings=on_engine(data_dir / "nowhere"))
    assert (ended.returncode, "holds no graph" in ended.stderr) == (2, True)


def test_a_folder_that_somebody_owns_is_left_alone(
    saved: tuple[Path, list[str], str], data_dir: Path
) -> None:
    with open_engine(data_dir), pytest.raises(DataFolderInUse):
        backups.restore(saved[0], data_dir)


def broken(path: Path, whole: Path) -> Iterator[tuple[str, Path]]:
    """Files that are no backups, by what is wrong with them."""
    content = whole.read_bytes()
    for name, text in (("text", b"no zip"), ("cut", content[: len(content) // 2]), ("empty", b"")):
        (path / name).write_bytes(text)
        yield name, path / name
    damaged = bytearray(content)
    with zipfile.ZipFile(whole) as archive:
        largest = max(archive.infolist(), key=lambda info: info.compress_size)
    middle = largest.header_offset + 60 + largest.compress_size // 2
    damaged[middle] ^= 0xFF
    (path / "flipped").write_bytes(damaged)
    yield "flipped", path / "flipped"
    for name, entry in (("other", "data.txt"), ("outside", "../outside"), ("absolute", "/outside")):
        with zipfile.ZipFile(path / name, "w") as archive:
            archive.writestr(entry, "x")
            if name != "other":
                archive.writestr("schema.json", "{}")
        yield name, path / name


def test_what_is_no_backup_leaves_nothing_behind(
    saved: tuple[Path, list[str], str], tmp_path: Path, data_dir: Path
) -> None:
    for name, path in broken(tmp_path, saved[0]):
        with pytest.raises(BackupFailed):
            backups.restore(path, data_dir)
        assert not has_graph(data_dir), name
        assert not Path("/outside").exists()
        assert {each.name for each in data_dir.iterdir()} <= {"owner.lock", "engine.lock"}, name
    backups.restore(saved[0], data_dir)
    assert has_graph(data_dir)


def test_a_neo4j_has_its_own_tools(saved: tuple[Path, list[str], str], data_dir: Path) -> None:
    settings = {"NEO4J_URI": "bolt://127.0.0.1:9", "COSTGRAPH_ADMIN_KEY": "k" * 32}
    for arguments in (["backup"], ["restore", str(saved[0])]):
        ended = costgraph(*arguments, settings={**settings, "COSTGRAPH_DATA_DIR": str(data_dir)})
        assert (ended.returncode, "neo4j-admin" in ended.stderr) == (2, True)
