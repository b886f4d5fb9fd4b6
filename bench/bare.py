"""The bare path of a reservation: HTTP, a batch of whatever waits, a lock, four counters, one node, a commit.

What any service must do that holds money in a graph before it answers, and nothing else: no keys, no limits,
no prices, no checks of what was sent. The service is measured against it in the same run.
"""

import asyncio
import json
import os
import sys
import threading
from collections import deque
from typing import Any, LiteralString

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from graph.database import Database
from graph.engines import Connection

LEVELS = 4
BATCH_MAX = 1_000
SETUP: LiteralString = """
CREATE (:BareLock {uid: 'bare', n: 0})
WITH 1 AS one
UNWIND range(0, 3) AS i
CREATE (:BareWindow {uid: 'bare/' + toString(i), reserved: 0})
"""
UNIQUE: tuple[LiteralString, ...] = (
    "CREATE CONSTRAINT bare_hold IF NOT EXISTS FOR (n:BareHold) REQUIRE n.uid IS UNIQUE",
    "CREATE CONSTRAINT bare_window IF NOT EXISTS FOR (n:BareWindow) REQUIRE n.uid IS UNIQUE",
    "CREATE CONSTRAINT bare_lock IF NOT EXISTS FOR (n:BareLock) REQUIRE n.uid IS UNIQUE",
)
LOCK: LiteralString = """
MATCH (l:BareLock {uid: 'bare'})
SET l.n = l.n + 1
WITH l
MATCH (w:BareWindow)
RETURN w.uid AS uid, w.reserved AS reserved ORDER BY uid
"""
KNOWN: LiteralString = "UNWIND $keys AS key MATCH (h:BareHold {uid: key}) RETURN h.uid AS uid"
WRITE: LiteralString = """
CALL () {
  UNWIND $holds AS row
  MATCH (w:BareWindow {uid: 'bare/3'})
  CREATE (h:BareHold {uid: row.key})-[:BARE_HOLDS]->(w)
  SET h.amount = row.amount, h.expires_at_us = row.expires_at_us
  RETURN count(*) AS held
}
CALL () {
  UNWIND $windows AS row
  MATCH (w:BareWindow {uid: row.uid})
  SET w.reserved = row.reserved
  RETURN count(*) AS counted
}
RETURN held, counted
"""

Waiting = tuple[dict[str, Any], "asyncio.Future[int]", asyncio.AbstractEventLoop]


class BareCommitter:
    """One thread that commits whatever waits."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[Waiting] = deque()
        self._changed = threading.Condition()
        threading.Thread(target=self._run, daemon=True).start()

    def prepare(self) -> None:
        """The lock and the four counters."""
        for text in UNIQUE:
            with self._database.transaction() as transaction:
                transaction.run_text(text)
        with self._database.transaction() as transaction:
            transaction.run_text(SETUP)

    async def hold(self, body: dict[str, Any]) -> int:
        """Once it is committed."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()
        with self._changed:
            self._waiting.append((body, future, loop))
            self._changed.notify()
        return await future

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
                batch = [self._waiting.popleft() for _ in range(min(BATCH_MAX, len(self._waiting)))]
            self._commit(batch)
            for _, future, loop in batch:
                loop.call_soon_threadsafe(future.set_result, 201)

    def _commit(self, batch: list[Waiting]) -> None:
        holds = [
            {"key": body["idempotency_key"], "amount": 1_000_000, "expires_at_us": 1} for body, _, _ in batch
        ]
        with self._database.transaction() as transaction:
            windows = transaction.run_text(LOCK)
            known = {
                row["uid"] for row in transaction.run_text(KNOWN, {"keys": [each["key"] for each in holds]})
            }
            fresh = [each for each in holds if each["key"] not in known]
            for window in windows:
                window["reserved"] += sum(each["amount"] for each in fresh)
            transaction.run_text(WRITE, {"holds": fresh, "windows": windows})


def main() -> None:
    """Serve on a free port of loopback; the connection comes as JSON in ``BARE_CONNECTION``."""
    database = Database(Connection(**json.loads(os.environ["BARE_CONNECTION"])))
    committer = BareCommitter(database)
    committer.prepare()

    async def reserve(request: Request) -> Response:
        status = await committer.hold(orjson.loads(await request.body()))
        return Response(b'{"state":"HELD"}', status, media_type="application/json")

    app = Starlette(routes=[Route("/v1/reservations", reserve, methods=["POST"])])
    config = uvicorn.Config(app, port=int(sys.argv[1]), log_config=None, access_log=False, lifespan="off")
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
