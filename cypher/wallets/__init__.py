"""Wallets: top-ups, which are written with the budget that they change, and never changed."""

from typing import Any, TypedDict

from cypher.ledger import OneTenant, Rows
from cypher.query import CypherQuery, NoRow


class TopUpRange(TypedDict):
    """A budget's top-ups before a key, the newest first."""

    budget_uid: str
    before: str
    first: int


class TopUpRow(TypedDict):
    """A top-up: the properties of its node."""

    top_up: dict[str, Any]


class SumRow(TypedDict):
    """What a budget's top-ups add up to."""

    budget_uid: str
    amount_nano: int


WRITE: CypherQuery[Rows, NoRow] = CypherQuery("wallets/write", Rows, NoRow)
PAGE: CypherQuery[TopUpRange, TopUpRow] = CypherQuery("wallets/page", TopUpRange, TopUpRow)
SUMS: CypherQuery[OneTenant, SumRow] = CypherQuery("wallets/sums", OneTenant, SumRow)
