"""A tenant's sequence as it is told: what was charged and what budgets reached, in order."""

from typing import TypedDict

from cypher.ledger import KeySpan
from cypher.query import CypherQuery


class Tenants(TypedDict):
    """Tenants to look at."""

    tenants: list[str]


class HeadRow(TypedDict):
    """How far a tenant's ledger is."""

    tenant: str
    seq: int
    version: int
    commits: int


class ToldRow(TypedDict):
    """An event of the outbox."""

    seq: int
    type: str
    budget_uid: str
    at_us: int
    payload: str


class RecordedRow(TypedDict):
    """Entries in columns, in no order: one row is many times faster than a row each."""

    seq: list[int]
    at_us: list[int]
    kind: list[str]
    total_cost_nano: list[int]
    currency: list[str]
    operation_id: list[str]
    agent_id: list[str]
    budget_id: list[str]
    used_at_us: list[int]
    model_id: list[str]
    session_id: list[str]


HEADS: CypherQuery[Tenants, HeadRow] = CypherQuery("events/heads", Tenants, HeadRow)
TOLD: CypherQuery[KeySpan, ToldRow] = CypherQuery("events/told", KeySpan, ToldRow)
RECORDED: CypherQuery[KeySpan, RecordedRow] = CypherQuery("events/recorded", KeySpan, RecordedRow)
