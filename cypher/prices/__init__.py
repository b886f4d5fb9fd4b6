"""What organisations say about prices: cards, exchange rates, files; and what months have used."""

from typing import Any, TypedDict

from cypher.ledger import Rows
from cypher.query import CypherQuery, NoRow


class VersionRange(TypedDict):
    """What a tenant said in some versions of its ledger: keys of (from_key, to_key)."""

    from_key: str
    to_key: str


class SaidRow(TypedDict):
    """The properties of each node, in no order."""

    cards: list[dict[str, Any]]
    sheets: list[dict[str, Any]]
    files: list[dict[str, Any]]
    agreements: list[dict[str, Any]]


class Uids(TypedDict):
    """Keys to look up."""

    uids: list[str]


class MonthRow(TypedDict):
    """What was used in a month of one thing: counts in the order of ``TokenCounts``, or a quantity."""

    uid: str
    counts: list[int]
    quantity_nano: int


class PricedRow(TypedDict):
    """The usage that an entry is of, the path that paid, and how many entries the usage has."""

    uid: str
    usage: dict[str, Any]
    path_uid: str
    chain: list[str]
    scoped: list[str]
    entries: int


class BillRow(TypedDict):
    """A usage with one of its entries, if it has one, and the path that paid."""

    uid: str
    usage: dict[str, Any]
    path_uid: str
    chain: list[str]
    scoped: list[str]
    entry: dict[str, Any] | None


SAID: CypherQuery[VersionRange, SaidRow] = CypherQuery("prices/said", VersionRange, SaidRow)
MONTHS: CypherQuery[Uids, MonthRow] = CypherQuery("prices/months", Uids, MonthRow)
BILLS: CypherQuery[Uids, BillRow] = CypherQuery("prices/bills", Uids, BillRow)
PRICED: CypherQuery[Uids, PricedRow] = CypherQuery("prices/priced", Uids, PricedRow)

WRITE_CARDS: CypherQuery[Rows, NoRow] = CypherQuery("prices/write_cards", Rows, NoRow)
LINK_CONTRACTS: CypherQuery[Rows, NoRow] = CypherQuery("prices/link_contracts", Rows, NoRow)
LINK_REVISIONS: CypherQuery[Rows, NoRow] = CypherQuery("prices/link_revisions", Rows, NoRow)
WRITE_SHEETS: CypherQuery[Rows, NoRow] = CypherQuery("prices/write_sheets", Rows, NoRow)
WRITE_FILES: CypherQuery[Rows, NoRow] = CypherQuery("prices/write_files", Rows, NoRow)
WRITE_MONTHS: CypherQuery[Rows, NoRow] = CypherQuery("prices/write_months", Rows, NoRow)
