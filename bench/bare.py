"""The bare path of a reservation: HTTP, a batch of whatever waits, a lock, four counters, one node, a commit.

And of its settlement: the same lock, counters and commit, the reservation marked, one node for the usage and
one for what it cost. What any service must do that holds money in a graph before it answers, and nothing
else: no keys, no limits, no prices, no checks of what was sent. The service is measured against it in the
same run.
"""

import asyncio
import json
import os
import sys
import threading
from collections import deque
from typing import LiteralString, NamedTuple

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
CREATE (:BareWindow {uid: 'bare/' + toString(i), reserved: 0, spent: 0})
"""
UNIQUE: tuple[LiteralString, ...] = (
    "CREATE CONSTRAINT bare_hold IF NOT EXISTS FOR (n:BareHold) REQUIRE n.uid IS UNIQUE",
    "CREATE CONSTRAINT bare_usage IF NOT EXISTS FOR (n:BareUsage) REQUIRE n.uid IS UNIQUE",
    "CREATE CONSTRAINT bare_entry IF NOT EXISTS FOR (n:BareEntry) REQUIRE n.uid IS UNIQUE",
    "CREATE CONSTRAINT bare_window IF NOT EXISTS FOR (n:BareWindow) REQUIRE n.uid IS UNIQUE",
    "CREATE CONSTRAINT bare_lock IF NOT EXISTS FOR (n:BareLock) REQUIRE n.uid IS UNIQUE",
)
LOCK: LiteralString = """
MATCH (l:BareLock {uid: 'bare'})
SET l.n = l.n + 1
WITH l
MATCH (w:BareWindow)
RETURN w.uid AS uid, w.reserved AS reserved, w.spent AS spent ORDER BY uid
"""
KNOWN: LiteralString = """
UNWIND $keys AS key
MATCH (h:BareHold {uid: key})
RETURN h.uid AS uid, h.amount AS amount, h.settled AS settled
"""
WRITE: LiteralString = """
CALL () {
  UNWIND $batch.holds AS row
  MATCH (w:BareWindow {uid: 'bare/3'})
  CREATE (h:BareHold {uid: row.key})-[:BARE_HOLDS]->(w)
  SET h.amount = row.amount, h.expires_at_us = row.expires_at_us
  RETURN count(*) AS held
}
CALL () {
  UNWIND $batch.settled AS row
  MATCH (h:BareHold {uid: row.key})
  MATCH (w:BareWindow {uid: 'bare/3'})
  CREATE (h)-[:BARE_CONSUMED]->(u:BareUsage {uid: row.key})-[:BARE_INCURRED]->(e:BareEntry {uid: row.key})
  CREATE (e)-[:BARE_CHARGED_TO]->(w)
  SET h.settled = true, u.tokens = row.tokens, e.cost = row.cost
  RETURN count(*) AS settled
}
CALL () {
  UNWIND $batch.windows AS row
  MATCH (w:BareWindow {uid: row.uid})
  SET w.reserved = row.reserved, w.spent = row.spent
  RETURN count(*) AS counted
}
RETURN held, settled, counted
"""
AMOUNT = 1_000_000
COST = 800_000


class Wanted(NamedTuple):
    """A reservation to make, or to settle, and who waits for it."""

    key: str
    tokens: int | None
    done: "asyncio.Future[None]"
    loop: asyncio.AbstractEventLoop


class BareCommitter:
    """One thread that commits whatever waits."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[Wanted] = deque()
        self._changed = threading.Condition()
        threading.Thread(target=self._run, daemon=True).start()

    def prepare(self) -> None:
        """The lock and the four counters."""
        for text in UNIQUE:
            with self._database.transaction() as transaction:
                transaction.run_text(text)
        with self._database.transaction() as transaction:
            transaction.run_text(SETUP)

    async def write(self, key: str, tokens: int | None = None) -> None:
        """Once it is committed."""
        loop = asyncio.get_running_loop()
        wanted = Wanted(key, tokens, loop.create_future(), loop)
        with self._changed:
            self._waiting.append(wanted)
            self._changed.notify()
        await wanted.done

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
                batch = [self._waiting.popleft() for _ in range(min(BATCH_MAX, len(self._waiting)))]
            self._commit(batch)
            for each in batch:
                each.loop.call_soon_threadsafe(each.done.set_result, None)

    def _commit(self, batch: list[Wanted]) -> None:
        with self._database.transaction() as transaction:
            windows = transaction.run_text(LOCK)
            found = transaction.run_text(KNOWN, {"keys": [each.key for each in batch]})
            known = {row["uid"]: row for row in found}
            holds = [
                {"key": each.key, "amount": AMOUNT, "expires_at_us": 1}
                for each in batch
                if each.tokens is None and each.key not in known
            ]
            settled = [
                {"key": each.key, "tokens": each.tokens, "cost": COST}
                for each in batch
                if each.tokens is not None and not known[each.key]["settled"]
            ]
            for window in windows:
                window["reserved"] += AMOUNT * (len(holds) - len(settled))
                window["spent"] += COST * len(settled)
            batch_rows = {"holds": holds, "settled": settled, "windows": windows}
            transaction.run_text(WRITE, {"batch": batch_rows})


def main() -> None:
    """Serve on a free port of loopback; the connection comes as JSON in ``BARE_CONNECTION``."""
    database = Database(Connection(**json.loads(os.environ["BARE_CONNECTION"])))
    committer = BareCommitter(database)
    committer.prepare()

    async def reserve(request: Request) -> Response:
        key = orjson.loads(await request.body())["idempotency_key"]
        await committer.write(key)
        body = orjson.dumps({"reservation_id": key, "state": "HELD"})
        return Response(body, 201, media_type="application/json")

    async def settle(request: Request) -> Response:
        (usage,) = orjson.loads(await request.body())["usages"]
        await committer.write(request.path_params["key"], usage["prompt_tokens"] + usage["completion_tokens"])
        return Response(b'{"state":"SETTLED"}', media_type="application/json")

    routes = [
        Route("/v1/reservations", reserve, methods=["POST"]),
        Route("/v1/reservations/{key}/settle", settle, methods=["POST"]),
    ]
    app = Starlette(routes=routes)
    config = uvicorn.Config(app, port=int(sys.argv[1]), log_config=None, access_log=False, lifespan="off")
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
