"""The door to an engine: plain rows, transactions, errors of our own tree."""

import contextlib
import dataclasses
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cypher.migrations import APPLIED, RECORD, RecordParams
from cypher.query import NoParams
from graph import database as database_module
from graph.database import Database, Transaction
from graph.engines import Connection
from graph.engines.embedded import free_port
from graph.errors import (
    ConstraintViolation,
    EngineRefused,
    EngineUnavailable,
    GraphError,
    StatementError,
    TransactionConflict,
)
from tests.support.graphs import RolledBack

VALUES = {
    "whole": 2**63 - 1,
    "negative": -(2**63),
    "text": "Zürich ✓ 𝄞",
    "flag": True,
    "blob": bytes(range(256)),
    "whole_list": [0, -1, 2**62],
    "text_list": ["", "a"],
    "empty": [],
}


def numbers(transaction: Transaction, tenant: str) -> list[int]:
    found = transaction.run_text(
        "MATCH (n:Number {tenant: $tenant}) RETURN n.value AS value ORDER BY value", {"tenant": tenant}
    )
    return [row["value"] for row in found]


def add(transaction: Transaction, tenant: str, value: int) -> None:
    transaction.run_text(
        "CREATE (:Number {tenant: $tenant, value: $value})", {"tenant": tenant, "value": value}
    )


def test_rows_are_plain_dictionaries_of_the_declared_shape(database: Database) -> None:
    row = min(database.read(APPLIED, NoParams()), key=lambda each: each["version"])
    assert type(row) is dict
    assert (set(row), row["version"]) == ({"version", "name", "checksum"}, 1)


def test_values_come_back_as_they_went(database: Database, tenant: str) -> None:
    database.writing(
        lambda transaction: transaction.run_text(
            "CREATE (n:Value {tenant: $tenant}) SET n += $values", {"tenant": tenant, "values": VALUES}
        )
    )
    (row,) = database.reading(
        lambda transaction: transaction.run_text(
            "MATCH (n:Value {tenant: $tenant}) RETURN properties(n) AS properties", {"tenant": tenant}
        )
    )
    assert row["properties"] == {"tenant": tenant, **VALUES}


def test_the_drivers_log_does_not_spell_out_what_customers_sent(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    row = {"said": "a customer's word"}
    with caplog.at_level(logging.DEBUG, "neo4j"), database.transaction() as transaction:
        found = transaction.run_text(
            "UNWIND $rows AS row RETURN row.said AS said, $record.said AS again",
            {"rows": [row], "record": row},
        )
    assert found == [{"said": "a customer's word", "again": "a customer's word"}]
    sent = [each for each in caplog.messages if "C: RUN" in each]
    assert len(sent) == 1
    assert "'rows': [... 1], 'record': {...}" in sent[0]
    assert "customer" not in sent[0]


def test_a_transaction_commits_at_its_end(database: Database, tenant: str) -> None:
    with database.transaction() as transaction:
        add(transaction, tenant, 1)
        add(transaction, tenant, 2)
    assert database.reading(lambda each: numbers(each, tenant)) == [1, 2]


def test_an_exception_rolls_a_transaction_back(database: Database, tenant: str) -> None:
    with contextlib.suppress(RolledBack), database.transaction() as transaction:
        add(transaction, tenant, 1)
        assert numbers(transaction, tenant) == [1]
        raise RolledBack
    assert database.reading(lambda each: numbers(each, tenant)) == []


def test_a_broken_uniqueness_is_a_constraint_violation_and_not_retryable(database: Database) -> None:
    applied = min(database.read(APPLIED, NoParams()), key=lambda each: each["version"])
    with pytest.raises(ConstraintViolation) as violation:
        database.write(RECORD, RecordParams(**applied, applied_at_us=0))
    assert not violation.value.retryable


def test_a_wrong_statement_is_a_statement_error_and_the_database_goes_on(database: Database) -> None:
    with pytest.raises(StatementError) as wrong:
        database.reading(lambda transaction: transaction.run_text("MATCH (n RETURN n"))
    assert type(wrong.value) is StatementError
    assert not wrong.value.retryable
    database.verify()


def test_transactions_that_cross_each_other_end_in_a_retryable_conflict(
    database: Database, tenant: str
) -> None:
    """A deadlock on Neo4j, an optimistic conflict on the embedded engine."""
    both_hold_one = threading.Barrier(2)

    def touch(transaction: Transaction, value: int) -> None:
        transaction.run_text(
            "MATCH (n:Number {tenant: $tenant, value: $value}) SET n.touched = coalesce(n.touched, 0) + 1",
            {"tenant": tenant, "value": value},
        )

    def cross(first: int, second: int) -> GraphError | None:
        try:
            with database.transaction() as transaction:
                touch(transaction, first)
                both_hold_one.wait()
                touch(transaction, second)
        except GraphError as error:
            return error
        return None

    with database.transaction() as transaction:
        add(transaction, tenant, 1)
        add(transaction, tenant, 2)
    with ThreadPoolExecutor(2) as threads:
        outcomes = list(threads.map(cross, (1, 2), (2, 1)))
    (loser,) = [outcome for outcome in outcomes if outcome is not None]
    assert isinstance(loser, TransactionConflict)
    assert loser.retryable


def test_writing_repeats_what_lost_a_conflict(database: Database, tenant: str) -> None:
    def increment(transaction: Transaction) -> None:
        transaction.run_text(
            "MATCH (n:Number {tenant: $tenant}) SET n.value = n.value + 1", {"tenant": tenant}
        )

    with database.transaction() as transaction:
        add(transaction, tenant, 0)
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(database.writing, increment) for _ in range(40)]:
            done.result()
    assert database.reading(lambda each: numbers(each, tenant)) == [40]


def test_a_record_in_motion_is_no_fault_of_the_query(database: Database, tenant: str) -> None:
    """An index of the embedded engine names what others have just added, before our page has it."""
    attempts = 0

    def others_add() -> None:
        with database.transaction() as transaction:
            transaction.run_text(
                "UNWIND range(2, 400) AS n "
                "CREATE (:Reservation {uid: $tenant + '/' + n, expiry_key: $tenant + '/' + n})",
                {"tenant": tenant},
            )

    def touch_and_look(transaction: Transaction) -> int:
        nonlocal attempts
        attempts += 1
        transaction.run_text(
            "MERGE (r:Reservation {uid: $tenant + '/1'}) SET r.expiry_key = $tenant + '/1', r.touched = $n",
            {"tenant": tenant, "n": attempts},
        )
        if attempts == 1:
            with ThreadPoolExecutor(1) as thread:
                thread.submit(others_add).result()
        return len(
            transaction.run_text(
                "MATCH (r:Reservation) WHERE r.expiry_key > $after AND r.expiry_key < $before "
                "RETURN r.uid AS uid",
                {"after": f"{tenant}/", "before": f"{tenant}0"},
            )
        )

    with database.transaction() as transaction:
        transaction.run_text("CREATE (:Reservation {uid: $tenant + '/1'})", {"tenant": tenant})
    assert database.writing(touch_and_look) == 400
    assert attempts == (2 if database.connection.kind == "arcadedb" else 1)


def test_a_reader_sees_what_this_process_wrote_just_before(database: Database, tenant: str) -> None:
    for value in range(20):
        database.writing(lambda transaction, value=value: add(transaction, tenant, value))
        assert len(database.reading(lambda transaction: numbers(transaction, tenant))) == value + 1


def test_a_wrong_password_is_refused(arcadedb_engine: Connection) -> None:
    stranger = dataclasses.replace(arcadedb_engine, password="not-the-password")
    with Database(stranger) as database, pytest.raises(EngineRefused) as refused:
        database.verify()
    assert "not-the-password" not in str(refused.value)


def test_an_engine_that_is_not_there_is_unavailable_to_every_kind_of_call() -> None:
    nobody = Connection(f"bolt://127.0.0.1:{free_port()}", "neo4j", "password", None, "neo4j")
    with Database(nobody) as database:
        for call in (
            database.verify,
            lambda: database.read(APPLIED, NoParams()),
            lambda: database.writing(lambda transaction: transaction.run_text("RETURN 1 AS one")),
            lambda: database.transaction().__enter__(),
        ):
            with pytest.raises(EngineUnavailable) as unavailable:
                call()
            assert unavailable.value.retryable


def test_a_process_that_hangs_does_not_keep_its_locks(
    neo4j_engine: Connection, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = "MATCH (n:Number {tenant: $tenant}) SET n.locked = true RETURN n.value AS value"
    with Database(neo4j_engine) as database:
        database.writing(lambda transaction: add(transaction, tenant, 1))

        def hang() -> None:
            monkeypatch.setattr(database_module, "TRANSACTION_SECONDS", 1.0)
            with database.transaction() as hanging:
                hanging.run_text(lock, {"tenant": tenant})
                monkeypatch.undo()
                with database.transaction() as waiting:  # comes through once the engine has ended the other
                    assert waiting.run_text(lock, {"tenant": tenant}) == [{"value": 1}]

        with pytest.raises(GraphError):
            hang()
