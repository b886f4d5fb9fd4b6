"""The lease on a tenant's fold: who has it is the only one that starts one."""

import time
import uuid
from typing import Final

from cypher import rollups as queries
from cypher.rollups import LeaseParams
from graph.database import Database

LEASE_SECONDS: Final = 60.0
"""For how long the lease of a process that died keeps the others waiting."""


class Leases:
    """The leases of one owner. Whoever has one and outlives it does no harm: the watermark guards."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._owner = uuid.uuid4().hex

    def take(self, tenant: str) -> bool:
        """Take the lease, or take it for longer. False where somebody else has it."""
        now_us = time.time_ns() // 1000
        params: LeaseParams = {
            "tenant": tenant,
            "owner": self._owner,
            "now_us": now_us,
            "until_us": now_us + int(LEASE_SECONDS * 1_000_000),
        }
        return bool(self._database.write(queries.LEASE, params))

    def release(self, tenant: str) -> None:
        """Let others have it, and readers know that what was committed under it is there whole."""
        self._database.write(queries.RELEASE, {"tenant": tenant, "owner": self._owner})
