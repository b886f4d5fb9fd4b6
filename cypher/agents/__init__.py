"""Agents, read back: by id, by lineage, by the budgets that they are at home in."""

from typing import TypedDict

from cypher.query import CypherQuery


class UidRange(TypedDict):
    """The next agents of a tenant: uids in (after_uid, before_uid), at most ``first``."""

    after_uid: str
    before_uid: str
    first: int


class UidRow(TypedDict):
    """An agent's key."""

    uid: str


class HomeParams(TypedDict):
    """The agents of a tenant, uids in (after_uid, before_uid), that are at home in one of the budgets."""

    after_uid: str
    before_uid: str
    budget_uids: list[str]


class ParentsParams(TypedDict):
    """Agents by number: each ``{number, uid, after_uid}``; their children come after ``after_uid``."""

    rows: list[dict[str, str | int]]


class ChildrenRow(TypedDict):
    """The uids of one agent's children, by uid, at most 500."""

    number: int
    uids: list[str]


PAGE: CypherQuery[UidRange, UidRow] = CypherQuery("agents/page", UidRange, UidRow)
AT_HOME: CypherQuery[HomeParams, UidRow] = CypherQuery("agents/at_home", HomeParams, UidRow)
CHILDREN: CypherQuery[ParentsParams, ChildrenRow] = CypherQuery("agents/children", ParentsParams, ChildrenRow)
