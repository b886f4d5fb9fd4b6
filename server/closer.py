"""Closes agreements' months once they are over, and again where usage came late, of every tenant.

It asks the graph what is due, by one index, from time to time: a month that ended while nobody ran is closed
at the next start. Several may close the same: under the ledger's lock all but the first find nothing to book.
"""

import logging
import threading
from concurrent.futures import TimeoutError as NoAnswer
from typing import Final

from graph.agreements import AgreementMonths, Due
from graph.errors import GraphError
from ledger.agreement_commands import CloseMonths
from ledger.committer import Committer, system_clock
from ledger.errors import LedgerError
from ledger.ports import Clock

LOOK_SECONDS: Final = 60.0
ANSWER_SECONDS: Final = 30.0
DUE_MAX: Final = 100
"""How many months are looked up at once; the rest at the next look, which follows at once."""

logger = logging.getLogger(__name__)


class Closer:
    """Closes what is due. ``wake`` may be called by any thread."""

    def __init__(
        self,
        months: AgreementMonths,
        committer: Committer,
        *,
        clock: Clock = system_clock,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._months = months
        self._committer = committer
        self._clock = clock
        self._look_seconds = look_seconds
        self._woken = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Close what is due, until ``stop`` is set; call ``wake`` then to end it at once."""
        while not stop.is_set():
            again = False
            try:
                again = self.close_due(stop)
            except Exception:
                # The thread must outlive anything: months would stay open for ever.
                logger.exception("months could not be closed; it is tried again")
            if not again:
                self._woken.wait(self._look_seconds)
                self._woken.clear()

    def wake(self) -> None:
        """Have ``run`` look at its ``stop`` now."""
        self._woken.set()

    def close_due(self, stop: threading.Event) -> bool:
        """Close what is due now; whether there is more."""
        try:
            found = self._months.due(self._clock(), DUE_MAX)
        except GraphError:
            logger.warning("nobody can tell which months are to be closed", exc_info=True)
            return False
        closed = [self._close(each) for each in found if not stop.is_set()]
        return len(found) >= DUE_MAX and all(closed)

    def _close(self, due: Due) -> bool:
        command = CloseMonths(due.tenant, None, due.agreement_id)
        try:
            (answer,) = self._committer.submit_blocking([command], ANSWER_SECONDS)
            if isinstance(answer, LedgerError):
                raise answer
        except (LedgerError, NoAnswer) as error:
            logger.warning("the months of agreement %s could not be closed now: %s", due.agreement_id, error)
            return False
        return True
