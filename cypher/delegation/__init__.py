"""Delegated operations, read back: what is below some operations, and what it cost.

In columns, in one row: a row each costs the driver many times as much.
"""

from typing import TypedDict

from cypher.query import CypherQuery


class OneSession(TypedDict):
    """A session, and how many of its operations are read at most."""

    session_uid: str
    most: int


class AgentSpan(TypedDict):
    """A stretch of an agent's operations by time, [from_key, to_key), and how many are read at most."""

    from_key: str
    to_key: str
    most: int


class Below(TypedDict):
    """Operations, and how many of them and of all below them are read at most."""

    uids: list[str]
    most: int


class Uids(TypedDict):
    """Operations."""

    uids: list[str]


class StartsRow(TypedDict):
    """Operations, and the ids of those that delegated them; empty where there is none."""

    uid: list[str]
    parent_id: list[str]


class NodesRow(TypedDict):
    """Operations in columns."""

    uid: list[str]
    parent_id: list[str]
    operation_id: list[str]
    agent_id: list[str]
    session_id: list[str]
    budget_id: list[str]
    outcome: list[str]
    pricing: list[str]
    timestamp_us: list[int]
    prompt_tokens: list[int]
    completion_tokens: list[int]


class CostsRow(TypedDict):
    """What operations cost, in columns: all entries of each and currency together."""

    uid: list[str]
    currency: list[str]
    prompt_cost_nano: list[int]
    completion_cost_nano: list[int]
    other_cost_nano: list[int]


SESSION: CypherQuery[OneSession, StartsRow] = CypherQuery("delegation/session", OneSession, StartsRow)
AGENT: CypherQuery[AgentSpan, StartsRow] = CypherQuery("delegation/agent", AgentSpan, StartsRow)
BELOW: CypherQuery[Below, NodesRow] = CypherQuery("delegation/below", Below, NodesRow)
COSTS: CypherQuery[Uids, CostsRow] = CypherQuery("delegation/costs", Uids, CostsRow)
