"""Releases the holds that expired, of every tenant: nothing stays held because its holder died.

What budgets that cool down held back is told with it, once they may. It asks nothing while nothing is due:
commits of this process tell when their holds expire, and of each tenant it remembers when the next one does.
Holds of other processes are theirs to release; from time to time it looks around for what a dead one left.
Several may sweep the same tenant: under the ledger's lock all but the first find nothing.
"""

import logging
import threading
import time
from concurrent.futures import TimeoutError as NoAnswer
from typing import Final

from graph.errors import GraphError
from graph.reservations import Reservations
from ledger.changes import Changes
from ledger.commands import Sweep
from ledger.committer import Committer, system_clock
from ledger.errors import LedgerError
from ledger.holds import HoldState
from ledger.ports import Clock
from ledger.results import Swept

EVERY_US: Final = 1_000_000
"""How often a tenant is looked at, at most: an expired hold ends within about this time."""
LOOK_AROUND_SECONDS: Final = 10.0
AGAIN_SECONDS: Final = 5.0
"""When to try again after the engine did not answer."""
ANSWER_SECONDS: Final = 2.0
SWEEP_MAX: Final = 200
"""How many holds one command releases: what else waits comes in between."""

logger = logging.getLogger(__name__)


class Sweeper:
    """Releases expired holds. ``committed`` and ``wake`` may be called by any thread."""

    def __init__(
        self, reservations: Reservations, committer: Committer, *, clock: Clock = system_clock
    ) -> None:
        self._reservations = reservations
        self._committer = committer
        self._clock = clock
        self._due_us: dict[str, int] = {}
        self._changed = threading.Condition()

    def committed(self, changes: Changes) -> None:
        """A tenant's part of a batch is durable: remember when it is to be swept for it."""
        due = [hold.expires_at_us for hold in changes.holds.values() if hold.state is HoldState.HELD]
        due += [notice.due_us for notice in changes.notices.values() if notice.due_us is not None]
        if due:
            # To whole steps: however many holds come and go, a tenant is looked at once in each.
            self._note(changes.head.tenant, -(-min(due) // EVERY_US) * EVERY_US)

    def run(self, stop: threading.Event) -> None:
        """Release what expires, until ``stop`` is set; call ``wake`` then to end it at once."""
        look_at = time.monotonic()
        while not stop.is_set():
            try:
                if time.monotonic() >= look_at:
                    look_at = time.monotonic() + LOOK_AROUND_SECONDS
                    self._look_around()
                for tenant in self._due():
                    self._sweep(tenant, stop)
            except Exception:
                # The thread must outlive anything: without it dead holders would refuse the living.
                logger.exception("a sweep failed; it is tried again")
            self._wait(look_at, stop)

    def wake(self) -> None:
        """Have ``run`` look at its ``stop`` now."""
        with self._changed:
            self._changed.notify_all()

    def _note(self, tenant: str, due_us: int) -> None:
        with self._changed:
            known = self._due_us.get(tenant)
            if known is None or due_us < known:
                self._due_us[tenant] = due_us
                self._changed.notify_all()

    def _look_around(self) -> None:
        """Find what other processes left behind."""
        try:
            found = self._reservations.next_due_us(self._reservations.tenants())
        except GraphError:
            logger.warning("the sweeper cannot look for expired holds", exc_info=True)
            return
        for tenant, due_us in found.items():
            self._note(tenant, due_us)

    def _due(self) -> list[str]:
        """The tenants whose turn it is; each is noted again when it is known what is left."""
        now_us = self._clock()
        with self._changed:
            due = [tenant for tenant, due_us in self._due_us.items() if due_us <= now_us]
            for tenant in due:
                del self._due_us[tenant]
        return due

    def _sweep(self, tenant: str, stop: threading.Event) -> None:
        """Release a tenant's expired holds, and note when the next one expires."""
        again_us = self._clock() + EVERY_US
        try:
            first_us = self._reservations.next_due_us([tenant]).get(tenant)
            while first_us is not None and first_us <= self._clock() and not stop.is_set():
                (answer,) = self._committer.submit_blocking([Sweep(tenant, SWEEP_MAX)], ANSWER_SECONDS)
                if isinstance(answer, LedgerError):
                    raise answer
                first_us = self._reservations.next_due_us([tenant]).get(tenant)
                if not isinstance(answer, Swept) or not answer.released:
                    break
        except (GraphError, LedgerError, NoAnswer) as error:
            logger.warning("expired holds of a tenant could not be released now: %s", error)
            first_us = again_us = self._clock() + int(AGAIN_SECONDS * 1_000_000)
        if first_us is not None:
            self._note(tenant, max(first_us, again_us))

    def _wait(self, look_at: float, stop: threading.Event) -> None:
        """Until the next hold expires, the next look around, or the end."""
        with self._changed:
            if stop.is_set():
                return
            seconds = look_at - time.monotonic()
            if self._due_us:
                seconds = min(seconds, (min(self._due_us.values()) - self._clock()) / 1_000_000)
            self._changed.wait(max(0.01, seconds))
