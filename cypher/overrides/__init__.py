"""Overrides: grants that let reservations pass limits."""

from typing import Any, TypedDict

from cypher.ledger import OneUid, Rows, Uids
from cypher.query import CypherQuery, NoRow


class KeyRange(TypedDict):
    """A stretch of keys, both ends excluded."""

    after: str
    before: str


class PageParams(TypedDict):
    """A stretch of keys, both ends excluded, from its end on."""

    after: str
    before: str
    first: int


class OverrideRow(TypedDict):
    """An override: the properties of its node."""

    override: dict[str, Any]


class HeldRow(TypedDict):
    """What reservations have of an override."""

    held_nano: int


WRITE: CypherQuery[Rows, NoRow] = CypherQuery("overrides/write", Rows, NoRow)
OVERRIDES: CypherQuery[Uids, OverrideRow] = CypherQuery("overrides/overrides", Uids, OverrideRow)
OPEN: CypherQuery[KeyRange, OverrideRow] = CypherQuery("overrides/open", KeyRange, OverrideRow)
PAGE: CypherQuery[PageParams, OverrideRow] = CypherQuery("overrides/page", PageParams, OverrideRow)
HELD: CypherQuery[OneUid, HeldRow] = CypherQuery("overrides/held", OneUid, HeldRow)
