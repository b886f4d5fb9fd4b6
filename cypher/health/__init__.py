"""What a server says of itself: how far its rollups are behind, what time its engine and its ledgers have."""

from typing import TypedDict

from cypher.query import CypherQuery, NoParams


class LagRow(TypedDict):
    """Over all tenants: how many numbers of the longest unfolded tail, and how many tenants have one."""

    entries: int
    tenants: int


class ClocksRow(TypedDict):
    """The latest time that any tenant's ledger has seen (0: none), and the engine's clock."""

    last_now_us: int
    engine_ms: int


FOLD_LAG: CypherQuery[NoParams, LagRow] = CypherQuery("health/fold_lag", NoParams, LagRow)
CLOCKS: CypherQuery[NoParams, ClocksRow] = CypherQuery("health/clocks", NoParams, ClocksRow)
