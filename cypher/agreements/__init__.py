"""What was agreed for budgets' months, what the months used, and what they were booked as."""

from typing import Any, TypedDict

from cypher.ledger import BudgetInSpan, Rows
from cypher.query import CypherQuery, NoRow


class Uids(TypedDict):
    """Keys to look up."""

    uids: list[str]


class KeyRange(TypedDict):
    """Keys of (from_key, to_key)."""

    from_key: str
    to_key: str


class MonthRow(TypedDict):
    """A month's properties."""

    uid: str
    month: dict[str, Any]


class DueParams(TypedDict):
    """Months that are to be closed, by their end: keys of (after, before), at most ``limit``."""

    after: str
    before: str
    limit: int


class DueRow(TypedDict):
    """A month that is to be closed."""

    key: str
    tenant: str
    agreement_id: str


class ChargedRow(TypedDict):
    """Sums over entries, statements apart."""

    list_nano: int
    contracted_nano: int
    tokens: int


MONTHS: CypherQuery[Uids, MonthRow] = CypherQuery("agreements/months", Uids, MonthRow)
MONTHS_OF: CypherQuery[KeyRange, MonthRow] = CypherQuery("agreements/months_of", KeyRange, MonthRow)
DUE: CypherQuery[DueParams, DueRow] = CypherQuery("agreements/due", DueParams, DueRow)
CHARGED: CypherQuery[BudgetInSpan, ChargedRow] = CypherQuery("agreements/charged", BudgetInSpan, ChargedRow)

WRITE: CypherQuery[Rows, NoRow] = CypherQuery("agreements/write", Rows, NoRow)
LINK_REVISIONS: CypherQuery[Rows, NoRow] = CypherQuery("agreements/link_revisions", Rows, NoRow)
WRITE_MONTHS: CypherQuery[Rows, NoRow] = CypherQuery("agreements/write_months", Rows, NoRow)
WRITE_STATEMENTS: CypherQuery[Rows, NoRow] = CypherQuery("agreements/write_statements", Rows, NoRow)
