"""What a server says of itself: how far its rollups are behind."""

from typing import TypedDict

from cypher.query import CypherQuery, NoParams


class LagRow(TypedDict):
    """Over all tenants: how many numbers of the longest unfolded tail, and how many tenants have one."""

    entries: int
    tenants: int


FOLD_LAG: CypherQuery[NoParams, LagRow] = CypherQuery("health/fold_lag", NoParams, LagRow)
