"""The fold on both engines: each stretch of the stream once, whatever races, dies or is rebuilt."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from cypher import rollups as queries
from graph.database import Database
from graph.ledger import Trees
from graph.rollups import Folder, RollupCheck, Rollups
from graph.rollups import folder as folding
from graph.rollups.fold import Fold
from insight.errors import NotSettled
from insight.rollups import RollupQuery
from ledger.model import uid_of
from pricing.calendar import DAY_US
from tests.support.rollup_worlds import Writer, random_budgets
from tests.support.rollups import World, naive

ROOT = Path(__file__).parents[2]


def _world(database: Database, tenant: str, count: int, seed: int = 1) -> tuple[World, Writer]:
    rng = random.Random(seed)
    world = World.of(tenant, random_budgets(rng, tenant))
    writer = Writer(rng, world)
    writer.write(count)
    world.store(database)
    return world, writer


def _folder(database: Database, seqs: int = 1000) -> Folder:
    return Folder(database, Rollups(database, Trees(database)), fold_seqs=seqs)


def _findings(database: Database, tenant: str) -> list[Any]:
    return list(RollupCheck(database, Rollups(database, Trees(database))).compare(tenant))


def _behind(database: Database, tenant: str) -> int:
    return Rollups(database, Trees(database)).behind(tenant)


def _assert_exact(database: Database, world: World) -> None:
    assert _findings(database, world.tenant) == []
    query = RollupQuery(uid_of(world.tenant, "root"))
    (found,) = Rollups(database, Trees(database)).query(world.tenant, [query])
    assert (found.total, found.own, found.rows) == naive(world.entries, world.tree, query)


def test_a_fold_takes_what_there_is_and_then_nothing(database: Database, tenant: str) -> None:
    world, writer = _world(database, tenant, 30)
    folder = _folder(database)
    assert folder.fold_once(tenant) == world.seq
    assert folder.fold_once(tenant) == 0
    before = world.seq
    writer.write(5)
    world.store(database)
    assert folder.fold_once(tenant) == world.seq - before
    _assert_exact(database, world)


def test_numbers_that_events_took_are_passed_over(database: Database, tenant: str) -> None:
    world, _ = _world(database, tenant, 3)
    folder = _folder(database)
    folder.fold_once(tenant)
    world.seq += 10
    world.store(database)
    assert folder.fold_once(tenant) == 10
    assert _behind(database, tenant) == 0
    _assert_exact(database, world)


def test_a_tenant_without_a_ledger_has_nothing_to_fold(database: Database, tenant: str) -> None:
    assert not _folder(database).fold_once(tenant)


def test_several_folders_at_once_fold_everything_once(
    database: Database, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without the lease, so that they really race: the watermark alone must keep it exact.
    monkeypatch.setattr("graph.rollups.lease.Leases.take", lambda *_: True)
    world, _ = _world(database, tenant, 300)
    took: list[int] = []

    def race() -> None:
        folder = _folder(database, seqs=25)
        while (folded := folder.fold_once(tenant)) != 0:
            took.append(folded or 0)

    threads = [threading.Thread(target=race) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(took) == world.seq
    _assert_exact(database, world)


def test_who_has_the_lease_folds_alone_and_a_dead_owner_loses_it(database: Database, tenant: str) -> None:
    world, _ = _world(database, tenant, 5)
    now_us = time.time_ns() // 1000
    params: queries.LeaseParams = {
        "tenant": tenant,
        "owner": "another",
        "now_us": now_us,
        "until_us": now_us + 3_600_000_000,
    }
    assert database.write(queries.LEASE, params) == [{"owner": "another"}]
    folder = _folder(database)
    assert folder.fold_once(tenant) is None
    assert _behind(database, tenant) == world.seq
    database.write(queries.LEASE, {**params, "until_us": now_us - 1})
    assert folder.fold_once(tenant) == world.seq


def test_a_fold_that_was_overtaken_writes_nothing(
    database: Database, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, _ = _world(database, tenant, 20)
    slow, fast = _folder(database), _folder(database, seqs=7)
    write = Fold._write  # noqa: SLF001 - overtaken at the worst moment

    def overtaken(self: Fold, *arguments: Any) -> None:
        if self is slow._fold:  # noqa: SLF001
            database.write(queries.LEASE, {"tenant": tenant, "owner": "x", "now_us": 2**60, "until_us": 1})
            assert fast.fold_once(tenant) == 7
        write(self, *arguments)

    monkeypatch.setattr(Fold, "_write", overtaken)
    assert slow.fold_once(tenant) is None
    assert _behind(database, tenant) == world.seq - 7
    assert _findings(database, tenant) == []


@pytest.mark.parametrize("seed", range(2))
def test_killed_in_the_middle_it_goes_on_exactly(database: Database, tenant: str, seed: int) -> None:
    rng = random.Random(seed)
    world, _ = _world(database, tenant, 400, seed)
    connection = database.connection
    environment = os.environ | {
        "URI": connection.uri,
        "USERNAME": connection.username,
        "PASSWORD": connection.password,
        "DATABASE": connection.database or "",
        "KIND": connection.kind,
        "TENANT": tenant,
    }
    kills = 0
    while _behind(database, tenant) and kills < 6:
        with subprocess.Popen(
            [sys.executable, "-m", "tests.support.rollup_folder"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()  # its first fold is done, the next one goes on
            time.sleep(rng.random() * 0.1)
            process.send_signal(signal.SIGKILL)
        kills += 1
        _expire_lease(database, tenant)
        assert _findings(database, tenant) == []
    assert kills > 1
    folder = _folder(database)
    while folder.fold_once(tenant):
        pass
    _assert_exact(database, world)


def _expire_lease(database: Database, tenant: str) -> None:
    database.writing(
        lambda each: each.run_text(
            "MATCH (f:Fold {uid: $tenant}) SET f.lease_until_us = 0", {"tenant": tenant}
        )
    )


def test_a_rebuild_ends_where_it_began(database: Database, tenant: str) -> None:
    world, writer = _world(database, tenant, 60)
    folder = _folder(database, seqs=25)
    folder.fold_once(tenant)
    writer.write(20)
    world.store(database)
    rollups = Rollups(database, Trees(database))
    query = RollupQuery(uid_of(tenant, "root"))
    before = rollups.query(tenant, [query])
    folder.rebuild(tenant)
    assert _behind(database, tenant) == 0
    assert rollups.query(tenant, [query]) == before
    _assert_exact(database, world)


def test_while_rollups_are_dropped_nobody_reads_them_and_any_folder_goes_on(
    database: Database, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, _ = _world(database, tenant, 40)
    folder = _folder(database, seqs=20)
    while folder.fold_once(tenant):
        pass

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Fold, "_drop", die)
        with pytest.raises(KeyboardInterrupt):
            folder.rebuild(tenant)
    rollups = Rollups(database, Trees(database))
    with pytest.raises(NotSettled):
        rollups.query(tenant, [RollupQuery(uid_of(tenant, "root"))])
    with pytest.raises(NotSettled):
        RollupCheck(database, rollups).compare(tenant)
    other = _folder(database)
    while other.fold_once(tenant):
        pass
    _assert_exact(database, world)


def test_the_worker_folds_what_it_is_told_of_and_what_it_finds(
    database: Database, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folding, "PAUSE_SECONDS", 0.01)
    world, writer = _world(database, tenant, 30)
    folder, stop = _folder(database, seqs=10), threading.Event()
    worker = threading.Thread(target=folder.run, args=(stop,))
    worker.start()
    try:
        _wait_folded(database, tenant)
        writer.write(25)
        world.store(database)
        folder.notify(tenant)
        _wait_folded(database, tenant)
    finally:
        stop.set()
        folder.wake()
        worker.join()
    _assert_exact(database, world)


def test_the_worker_outlives_a_failure(
    database: Database, tenant: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(folding, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(folding, "FAILED_SECONDS", 0.01)
    _world(database, tenant, 5)
    folder, stop, write = _folder(database), threading.Event(), Fold._write  # noqa: SLF001
    failures = iter([ValueError("a defect")])

    def failing(self: Fold, *arguments: Any) -> None:
        with contextlib.suppress(StopIteration):
            raise next(failures)
        write(self, *arguments)

    monkeypatch.setattr(Fold, "_write", failing)
    worker = threading.Thread(target=folder.run, args=(stop,))
    worker.start()
    try:
        _wait_folded(database, tenant)
    finally:
        stop.set()
        folder.wake()
        worker.join()
    assert "a fold failed" in caplog.text


def _wait_folded(database: Database, tenant: str) -> None:
    deadline = time.monotonic() + 60
    while _behind(database, tenant):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("MATCH (r:Rollup {tenant: $t}) WITH r LIMIT 1 SET r.total = [1, 1, 1, 1, 1, 1, 1]", "total"),
        ("MATCH (r:Rollup {tenant: $t}) WITH r LIMIT 1 DETACH DELETE r", "total"),
        ("MATCH (r:Rollup {tenant: $t}) WITH r LIMIT 1 SET r.agent = $label", "agent"),
        ("MATCH (c:Cells {tenant: $t}) WITH c LIMIT 1 DETACH DELETE c", "cells"),
        ("MATCH (c:Cells {tenant: $t}) WITH c LIMIT 1 SET c.agent = $column", "cells"),
        ("MATCH (f:Fold {uid: $t}) SET f.last_day = f.first_day", "rollup_days"),
        ("MATCH (f:Fold {uid: $t}) SET f.folded_seq = f.folded_seq - 3", "total"),
    ],
)
def test_a_damaged_rollup_is_found(database: Database, tenant: str, damage: Any, says: str) -> None:
    _world(database, tenant, 60)
    folder = _folder(database)
    while folder.fold_once(tenant):
        pass
    label = b"\x0a\0\0\0" + b'["nobody"]' + b"=" + bytes(8)
    database.writing(lambda each: each.run_text(damage, {"t": tenant, "label": b"0nobody", "column": label}))
    assert says in " ".join(finding.invariant for finding in _findings(database, tenant))


def test_the_check_of_a_budget_looks_below_it_only(database: Database, tenant: str) -> None:
    world, _ = _world(database, tenant, 60)
    _folder(database).fold_once(tenant)
    leaf = next(each for each in world.tree.all() if not world.tree.children(each.uid))
    database.writing(
        lambda each: each.run_text(
            "MATCH (r:Rollup {tenant: $t}) WHERE r.budget_uid <> $leaf DETACH DELETE r",
            {"t": tenant, "leaf": leaf.uid},
        )
    )
    check = RollupCheck(database, Rollups(database, Trees(database)))
    assert check.compare(tenant, leaf.uid) == []
    assert check.compare(tenant, uid_of(tenant, "root")) != []


def test_days_are_those_of_the_fold_in_utc(database: Database, tenant: str) -> None:
    world, _ = _world(database, tenant, 60)
    _folder(database).fold_once(tenant)
    (head,) = database.read(queries.HEAD, {"tenant": tenant})
    days = [entry.at_us // DAY_US for entry in world.entries]
    assert (head["first_day"], head["last_day"]) == (min(days), max(days))
