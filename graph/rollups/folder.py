"""The background worker that folds whatever is committed, tenant by tenant."""

import logging
import threading
import time
from typing import Final

from cypher import rollups as queries
from cypher.query import NoParams
from graph.database import Database
from graph.errors import GraphError
from graph.rollups.fold import Fold, Step
from graph.rollups.query import Rollups
from graph.rollups.stream import offer_of
from ledger.changes import Changes

SEQS_MAX: Final = 20_000
"""How much of a stream one transaction folds at most; the more, the less each costs."""

SEQS_MIN: Final = 200
STEP_SECONDS: Final = 4.0
"""How long one transaction should take at most: slow engines get smaller ones."""

PAUSE_SECONDS: Final = 5.0
"""How long commits are collected before they are folded: few large folds cost less. Queries do not wait."""
BUSY_SECONDS: Final = 2.0
FAILED_SECONDS: Final = 5.0
LOOK_AROUND_SECONDS: Final = 60.0

logger = logging.getLogger(__name__)


class Folder:
    """Folds the streams of all tenants. ``notify`` and ``committed`` may be called by any thread."""

    def __init__(self, database: Database, rollups: Rollups, *, fold_seqs: int = SEQS_MAX) -> None:
        self._database = database
        self._rollups = rollups
        self._fold = Fold(database, rollups)
        self._seqs_max = fold_seqs
        self._seqs = fold_seqs
        self._ready: dict[str, float] = {}
        self._changed = threading.Condition()

    def committed(self, changes: Changes) -> None:
        """A tenant's part of a batch is durable. What it adds needs not be read from the graph."""
        offer = offer_of(changes)
        if offer is not None:
            self._rollups.tails.offer(changes.head.tenant, offer)
        self.notify(changes.head.tenant)

    def notify(self, tenant: str) -> None:
        """Something was committed."""
        with self._changed:
            if tenant not in self._ready:
                self._ready[tenant] = time.monotonic() + PAUSE_SECONDS
                self._changed.notify()

    def run(self, stop: threading.Event) -> None:
        """Fold whatever comes, until ``stop`` is set; call ``wake`` then to end it at once."""
        looked = -LOOK_AROUND_SECONDS
        while not stop.is_set():
            now = time.monotonic()
            if now - looked >= LOOK_AROUND_SECONDS:
                looked = now
                self._look_around()
            tenant = self._next(looked + LOOK_AROUND_SECONDS, stop)
            if tenant is not None and not stop.is_set():
                self._step(tenant)

    def wake(self) -> None:
        """Have ``run`` look at its ``stop`` now."""
        with self._changed:
            self._changed.notify_all()

    def fold_once(self, tenant: str) -> int | None:
        """Fold some numbers of a tenant's stream: how many it took off, 0 if none was left.

        None where another process folds this tenant, or was faster.
        """
        step = self._fold.step(tenant, self._seqs)
        return None if step is None else step.folded

    def rebuild(self, tenant: str) -> None:
        """Drop a tenant's rollups and fold its whole stream again. Queries wait for the first part only."""
        while not self._fold.begin_drop(tenant):
            time.sleep(BUSY_SECONDS)
        while (step := self._fold.step(tenant, self._seqs)) is None or step.left:
            if step is None:
                time.sleep(BUSY_SECONDS)

    def _look_around(self) -> None:
        """Find what other processes left behind."""
        try:
            for row in self._database.read(queries.BACKLOG, NoParams()):
                self.notify(row["tenant"])
        except GraphError:
            logger.warning("the fold cannot look for work", exc_info=True)

    def _next(self, until: float, stop: threading.Event) -> str | None:
        """The tenant whose turn it is, or None after ``until``."""
        with self._changed:
            while not stop.is_set():
                now = time.monotonic()
                tenant = min(self._ready, key=self._ready.__getitem__, default=None)
                if tenant is not None and self._ready[tenant] <= now:
                    del self._ready[tenant]
                    return tenant
                wake_at = until if tenant is None else min(until, self._ready[tenant])
                if wake_at <= now:
                    return None
                self._changed.wait(wake_at - now)
        return None

    def _step(self, tenant: str) -> None:
        started = time.monotonic()
        try:
            step = self._fold.step(tenant, self._seqs)
        except Exception:  # the worker must outlive anything: rollups would fall behind for ever
            logger.exception("a fold failed; it is tried again in smaller steps")
            self._seqs = max(min(SEQS_MIN, self._seqs_max), self._seqs // 2)
            self._again(tenant, FAILED_SECONDS)
            return
        if step is None:
            self._again(tenant, BUSY_SECONDS)
            return
        self._adapt(step, time.monotonic() - started)
        if step.left:
            self._again(tenant, 0.0 if step.left >= self._seqs else PAUSE_SECONDS)

    def _adapt(self, step: Step, seconds: float) -> None:
        """Steps of about ``STEP_SECONDS``."""
        if seconds > STEP_SECONDS:
            self._seqs = max(min(SEQS_MIN, self._seqs_max), self._seqs // 2)
        elif step.folded == self._seqs and seconds < STEP_SECONDS / 2:
            self._seqs = min(self._seqs_max, self._seqs * 2)

    def _again(self, tenant: str, seconds: float) -> None:
        with self._changed:
            self._ready[tenant] = time.monotonic() + seconds
