"""Costs that are not what was estimated: written with the operation, read by page, newest first.

A page is found as in ``cypher.usage``: first the keys, by one bare range, then what the page shows.
"""

from typing import Any, TypedDict

from cypher.ledger import Rows
from cypher.query import CypherQuery, NoRow
from cypher.usage import KeyRow, ReachParams, ReachRow, Uids


class WantedAnomalies(TypedDict):
    """What must hold of an anomaly (None: anything), in a stretch of the key, from its end."""

    agent_id: str | None
    paths: list[str] | None
    severities: list[str] | None
    from_key: str
    to_key: str
    first: int


class AnomalyRow(TypedDict):
    """An anomaly's properties."""

    uid: str
    anomaly: dict[str, Any]


WRITE: CypherQuery[Rows, NoRow] = CypherQuery("anomalies/write", Rows, NoRow)
CLEAR: CypherQuery[Uids, NoRow] = CypherQuery("anomalies/clear", Uids, NoRow)
TIMELINE: CypherQuery[WantedAnomalies, KeyRow] = CypherQuery("anomalies/timeline", WantedAnomalies, KeyRow)
REACH: CypherQuery[ReachParams, ReachRow] = CypherQuery("anomalies/reach", ReachParams, ReachRow)
SHOWN: CypherQuery[Uids, AnomalyRow] = CypherQuery("anomalies/shown", Uids, AnomalyRow)
