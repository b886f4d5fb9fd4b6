"""Settles usage whose price arrives later: what was recorded as UNPRICED, or charged as ESTIMATED.

A pass over what awaits a price follows every card, file or exchange rate that this process commits, its
start (a newer catalogue may know more), and from time to time, for what another process left when it died.
What has a price by now is found outside of the ledger's lock; only that is repriced. Several may do so at
once: under the lock all but the first find nothing left to do.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as NoAnswer
from typing import Final

from graph.errors import GraphError
from graph.ledger import Trees
from graph.prices import PriceBooks
from graph.usage import UsagePages
from ledger.changes import Changes
from ledger.committer import Committer
from ledger.errors import LedgerError
from ledger.price_commands import REPRICED_MAX, Reprice
from ledger.reprice import priced_now
from ledger.results import Repriced, RepricedAs

EVERY_SECONDS: Final = 600.0
AGAIN_SECONDS: Final = 5.0
"""When to try again after the engine did not answer."""
ANSWER_SECONDS: Final = 10.0
REASON: Final = "A price is known by now."

logger = logging.getLogger(__name__)


class LatePrices:
    """Settles what awaits a price. ``committed`` and ``wake`` may be called by any thread."""

    def __init__(
        self,
        committer: Committer,
        usage: UsagePages,
        books: PriceBooks,
        trees: Trees,
        tenants: Callable[[], Sequence[str]],
        settled: Callable[[int], None] = lambda _: None,
    ) -> None:
        """``settled`` is told how many operations got their price."""
        self._committer = committer
        self._usage = usage
        self._books = books
        self._trees = trees
        self._tenants = tenants
        self._settled = settled
        self._due: set[str] = set()
        self._changed = threading.Condition()

    def committed(self, changes: Changes) -> None:
        """A tenant's part of a batch is durable: what it says about prices may settle something."""
        if changes.cards or changes.files or changes.rates:
            with self._changed:
                self._due.add(changes.head.tenant)
                self._changed.notify_all()

    def run(self, stop: threading.Event) -> None:
        """Settle what gets its price, until ``stop`` is set; call ``wake`` then to end it at once."""
        look_at = time.monotonic()
        while not stop.is_set():
            try:
                if time.monotonic() >= look_at:
                    look_at = time.monotonic() + EVERY_SECONDS
                    with self._changed:
                        self._due.update(self._tenants())
                for tenant in self._taken():
                    self.settle(tenant, stop)
            except (GraphError, LedgerError, NoAnswer) as error:
                logger.warning("usage that awaits a price could not be settled now: %s", error)
                look_at = time.monotonic() + AGAIN_SECONDS
            except Exception:
                # The thread must outlive anything: without it late prices would change nothing.
                logger.exception("settling late prices failed; it is tried again")
                look_at = time.monotonic() + AGAIN_SECONDS
            with self._changed:
                if not self._due and not stop.is_set():
                    self._changed.wait(max(0.01, look_at - time.monotonic()))

    def wake(self) -> None:
        """Have ``run`` look at its ``stop`` now."""
        with self._changed:
            self._changed.notify_all()

    def settle(self, tenant: str, stop: threading.Event) -> int:
        """One pass over what awaits a price; how many operations got theirs. Raises ``LedgerError``."""
        after, settled = "", 0
        while not stop.is_set():
            waiting = self._usage.awaiting(tenant, after, REPRICED_MAX)
            priced = self._with_a_price(tenant, [uid for _, uid in waiting])
            if priced:
                command = Reprice(tenant, None, priced, REASON)
                (answer,) = self._committer.submit_blocking([command], ANSWER_SECONDS)
                if isinstance(answer, LedgerError):
                    raise answer
                if isinstance(answer, Repriced):
                    done = sum(each.outcome is RepricedAs.SETTLED for each in answer.differences)
                    self._settled(done)
                    settled += done
            if len(waiting) < REPRICED_MAX:
                break
            after = waiting[-1][0]
        if settled:
            logger.info("%d operations that awaited a price were settled", settled)
        return settled

    def _taken(self) -> list[str]:
        with self._changed:
            due = sorted(self._due)
            self._due.clear()
        return due

    def _with_a_price(self, tenant: str, uids: Sequence[str]) -> list[str]:
        """Those of some usages that have a price by now."""
        if not uids:
            return []
        prices, tree = self._books.get(tenant), self._trees.get(tenant)
        found: list[str] = []
        for bill in self._books.bills(uids):
            leaf = tree.get(bill.path.leaf_uid)
            if leaf is not None and not isinstance(priced_now(prices, bill, leaf.currency), RepricedAs):
                found.append(bill.uid)
        return found
