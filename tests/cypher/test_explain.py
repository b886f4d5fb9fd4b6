"""Rung 2: both engines can plan every query: with its columns, without a warning, without a scan."""

import re
from collections.abc import Generator
from typing import Any

import neo4j
import pytest

from cypher import CypherQuery, all_queries
from graph.database import Database
from tests.cypher.examples import all_examples
from tests.cypher.test_examples import SCHEMA, rolled_back, run_example
from tests.cypher.test_texts import keys_of

QUERIES = pytest.mark.parametrize("query", all_queries(), ids=lambda query: query.name)

SCANS_THAT_ARE_MEANT: dict[str, str] = {
    "migrations/applied": "a handful of nodes, once at start",
    "archives/health": "a node per file, when somebody asks the doctor",
    "health/fold_lag": "one node per tenant, when somebody asks for metrics",
    "health/clocks": "one node per tenant, when somebody asks the doctor",
    "price_sources/health": "a few nodes per tenant, when somebody asks for metrics",
    "rollups/backlog": "one node per tenant, once a minute",
    "webhooks/enabled": "an endpoint each, some of every tenant's, once in two seconds",
    "reservations/tenants": "one node per tenant, once in ten seconds",
}
"""Queries that read all nodes of a label, and why that is fine."""

# Of the embedded engine's plans: a label scan, or a node matched by comparing every one of its label.
ARCADEDB_SCAN = re.compile(r"NodeByLabelScan|AllNodesScan|MATCH NODE \([^)]*\) \[filter: .*")
NEO4J_SCANS = {"AllNodesScan", "NodeByLabelScan", "UnionNodeByLabelsScan", "RelationshipTypeScan"}


@pytest.fixture(scope="module")
def explaining(shared_databases: dict[str, Database]) -> Generator[dict[str, neo4j.Driver]]:
    """Drivers that ask for the notifications which the service switches off."""
    drivers: dict[str, neo4j.Driver] = {}
    yield drivers
    for driver in drivers.values():
        driver.close()


@pytest.fixture
def explain(database: Database, explaining: dict[str, neo4j.Driver]) -> neo4j.Driver:
    kind = database.connection.kind
    if kind not in explaining:
        connection = database.connection
        explaining[kind] = neo4j.GraphDatabase.driver(
            connection.uri, auth=(connection.username, connection.password)
        )
        # Every label, type and property that some example writes now has a name in the store:
        # a warning about an unknown one means a misspelt one.
        for examples in all_examples().values():
            for example in examples:
                with rolled_back(database) as transaction:
                    run_example(transaction, example)
    return explaining[kind]


def plan_of(
    driver: neo4j.Driver, database: Database, query: CypherQuery[Any, Any]
) -> tuple[tuple[str, ...], neo4j.ResultSummary]:
    examples = all_examples().get(query.name)
    params = examples[0].params if examples else dict.fromkeys(keys_of(query.params))
    with driver.session(database=database.connection.database) as session:
        result = session.run(f"EXPLAIN {query.text}", params)  # pyright: ignore[reportArgumentType]
        return result.keys(), result.consume()


@QUERIES
def test_a_query_can_be_planned(
    query: CypherQuery[Any, Any], explain: neo4j.Driver, database: Database
) -> None:
    if query in SCHEMA and query.name.startswith("migrations/type_") and database.connection.kind == "neo4j":
        return  # for the embedded engine alone
    columns, summary = plan_of(explain, database, query)
    if database.connection.kind == "neo4j":
        assert set(columns) == keys_of(query.row)
        if query not in SCHEMA:  # which "already exists"
            assert [status for status in summary.gql_status_objects if status.is_notification] == []
    if query.name not in SCANS_THAT_ARE_MEANT:
        assert scans(summary.plan or {}) == []


def scans(plan: dict[str, Any]) -> list[str]:
    """What of a plan, of either engine, reads every node of a label."""
    text = plan.get("args", {}).get("string-representation", "")
    found = ARCADEDB_SCAN.findall(text) if text.startswith("OpenCypher") else []
    operator = plan.get("operatorType", "").removesuffix("@neo4j")
    if operator in NEO4J_SCANS:
        found.append(f"{operator} {plan.get('args', {}).get('Details')}")
    return found + [scan for child in plan.get("children", []) for scan in scans(child)]


def test_a_scan_is_noticed(explain: neo4j.Driver, database: Database) -> None:
    scan = "EXPLAIN MATCH (b:Budget) WHERE b.priority > 3 RETURN b.uid AS uid"
    seek = "EXPLAIN MATCH (b:Budget {uid: 'x'}) RETURN b.uid AS uid"
    with explain.session(database=database.connection.database) as session:
        assert scans(session.run(scan).consume().plan or {}) != []
        assert scans(session.run(seek).consume().plan or {}) == []
