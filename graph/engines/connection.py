"""Where an engine listens, and who may enter."""

from dataclasses import dataclass, field
from typing import Literal

EngineKind = Literal["neo4j", "arcadedb"]


@dataclass(frozen=True)
class Connection:
    """Everything the driver needs to reach one database of one engine.

    ``database`` is ``None`` for the user's home database (Neo4j only).
    """

    uri: str
    username: str
    password: str = field(repr=False)
    database: str | None
    kind: EngineKind
