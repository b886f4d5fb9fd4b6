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


class HeldParams(TypedDict):
    """A range of keys, whose budget it is, and since when it is today, and this minute."""

    after: str
    before: str
    budget_uid: str
    day_us: int
    minute_us: int


class HeldRow(TypedDict):
    """What the open reservations of one user hold of one thing on a budget."""

    resource: str | None
    user_id: str | None
    level: int
    oldest_us: int | None
    cost_nano_today: int
    tokens_today: int
    requests_this_minute: int


class TenantRow(TypedDict):
    """A tenant with a ledger."""

    tenant: str


OPEN: CypherQuery[KeyRange, OpenRow] = CypherQuery("reservations/open", KeyRange, OpenRow)
HELD: CypherQuery[HeldParams, HeldRow] = CypherQuery("reservations/held", HeldParams, HeldRow)
TENANTS: CypherQuery[NoParams, TenantRow] = CypherQuery("reservations/tenants", NoParams, TenantRow)
