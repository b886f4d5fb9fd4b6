"""The newest calendar-versioned Neo4j beside 5.26: the schema, every query, and a ledger at work.

Not collected where no JDK of Java 21 or newer is found (``tests/conftest.py``): CI has what 5.26 needs.
"""

from collections.abc import Generator
from typing import Any

import neo4j as driver
import pytest

from graph.check import Check
from graph.database import Database
from graph.ledger import Trees
from graph.migrations import MIGRATIONS, migrate
from graph.rollups import RollupCheck, Rollups
from tests.cypher.examples import Example
from tests.cypher.test_examples import EXAMPLES, rolled_back, run_example
from tests.cypher.test_explain import SCANS_THAT_ARE_MEANT, scans
from tests.support import neo4j
from tests.support.graphs import constraints, indexes
from tests.support.reserving import held, settle
from tests.support.services import admin_of, budget, open_services, record, usage


@pytest.fixture(scope="module")
def calendar() -> Generator[Database]:
    with neo4j.calendar_server() as connection, Database(connection) as database:
        migrate(database, MIGRATIONS)
        yield database


def test_it_is_the_version_that_it_should_be(calendar: Database) -> None:
    with calendar.transaction() as transaction:
        rows = transaction.run_text("CALL dbms.components() YIELD name, versions RETURN name, versions")
    assert {"name": "Neo4j Kernel", "versions": [neo4j.CALENDAR_VERSION]} in rows


def test_the_schema_is_there(calendar: Database) -> None:
    wanted = {each.name.removeprefix("migrations/") for one in MIGRATIONS for each in one.schema}
    assert constraints(calendar) | indexes(calendar) == wanted | {"unique_migration_version"}
    assert migrate(calendar, MIGRATIONS) == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_query_is_planned_without_a_scan_and_runs(example: Example[Any], calendar: Database) -> None:
    with rolled_back(calendar) as transaction:
        run_example(transaction, example)
    connection = calendar.connection
    with (
        driver.GraphDatabase.driver(connection.uri, auth=("neo4j", "neo4j")) as explaining,
        explaining.session(database=connection.database) as session,
    ):
        text = f"EXPLAIN {example.query.text}"
        plan = session.run(text, example.params).consume().plan or {}  # pyright: ignore[reportArgumentType]
    if example.query.name not in SCANS_THAT_ARE_MEANT:
        assert scans(plan) == []


def test_a_ledger_works_and_its_books_agree(calendar: Database) -> None:
    with open_services(calendar) as services:
        admin = admin_of(services, "calendar")
        budget(admin, "acme", amount="1")
        budget(admin, "task", "acme")
        rows = [usage(f"op{each}", budgetId="task") for each in range(100)]
        assert {each["__typename"] for each in record(admin, *rows, *rows)} == {"RecordedUsage"}
        reservation = held(admin, "job", "task", amount="0.1")
        settle(admin, reservation["reservationId"], usage("settled"))
        spent = admin.get('{ budget(budgetId: "acme") { status { spent reserved } } }')["budget"]["status"]
        assert spent == {"spent": "0.3535", "reserved": "0"}
        trees = Trees(calendar)
        check = Check(calendar, trees, RollupCheck(calendar, Rollups(calendar, trees)))
        assert check.run("calendar", None) == []
