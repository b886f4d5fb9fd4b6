"""Acts of administration: written with the act, read by time."""

from typing import Any, TypedDict

from cypher.ledger import Rows
from cypher.query import CypherQuery, NoRow


class EntryRange(TypedDict):
    """A stretch of keys, both ends excluded."""

    after_uid: str
    before_uid: str
    first: int


class AuditRow(TypedDict):
    """An entry: the properties of its node."""

    entry: dict[str, Any]


WRITE: CypherQuery[Rows, NoRow] = CypherQuery("audit/write", Rows, NoRow)
PAGE: CypherQuery[EntryRange, AuditRow] = CypherQuery("audit/page", EntryRange, AuditRow)
