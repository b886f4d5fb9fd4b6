"""Reservations, as readers and the sweeper see them; the ledger's own look-ups are in ``cypher.ledger``."""

from typing import TypedDict

from cypher.query import CypherQuery, NoParams


class KeyRange(TypedDict):
    """Keys of open reservations by expiry, after one and before another."""

    after: str
    before: str


class OpenRow(TypedDict):
    """How many reservations are open on a path: its chain, and its scoped budgets."""

    chain: list[str]
    scoped: list[str]
    reservations: int


class TenantRow(TypedDict):
    """A tenant with a ledger."""

    tenant: str


OPEN: CypherQuery[KeyRange, OpenRow] = CypherQuery("reservations/open", KeyRange, OpenRow)
TENANTS: CypherQuery[NoParams, TenantRow] = CypherQuery("reservations/tenants", NoParams, TenantRow)
