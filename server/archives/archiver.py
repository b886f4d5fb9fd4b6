"""Archives raw usage that is older than it needs to be kept: on demand a file at a time, and by itself.

A file is on the disk before the ledger hears of it. Then the graph is changed in small batches through the
committer, which looks at each operation again under the ledger's lock: what was charged anew since stays for
the next file. Killed at any moment, nothing is lost and nothing is archived twice: at worst a file lies there
that no archive names. One process archives a tenant at a time, by a lease; two that both believe to have it
do no harm.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import TimeoutError as NoAnswer
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from graph.archives import Archives
from graph.errors import GraphError
from ledger.archive import ARCHIVED_MAX, ArchiveUsage, Claim, Kept, Step
from ledger.committer import Committer, system_clock
from ledger.errors import LedgerError, Unavailable
from ledger.model import uid_of
from ledger.ports import Clock
from ledger.results import Archived
from pricing.calendar import DAY_US
from server.archives.files import Draft, discard
from server.archives.rows import row_of

FILE_ROWS: Final = 10_000
"""Operations that one file holds at most."""
PAGE: Final = 1_000
"""Operations that are in memory at once."""
BATCH_MIN: Final = 50
BATCH_SECONDS: Final = 0.2
"""How long the ledger is kept by one batch, about."""
BATCH_BESIDE_SECONDS: Final = 0.03
"""The same while others wait for it."""
EVERY_SECONDS: Final = 3_600.0
AGAIN_SECONDS: Final = 60.0
"""When to try again after something failed."""
ANSWER_SECONDS: Final = 30.0
BUSY_SECONDS: Final = 10.0
"""How long one waits for the file that another one writes."""

logger = logging.getLogger(__name__)


class Busy(Unavailable):
    """Somebody else archives."""


class Told(Protocol):
    """Is told how archiving goes, for the metrics."""

    def archived(self, operations: int) -> None:
        """A file was archived."""
        ...

    def archiving_failed(self) -> None:
        """A run broke off; it is tried again."""
        ...


@dataclass(frozen=True, slots=True)
class Retention:
    """What is configured: the folder of archives, and after how many days usage goes there by itself."""

    folder: Path | None = None
    days: int | None = None


class Archiver:
    """Thread-safe; ``run`` is the work of one thread, ``wake`` may be called by any."""

    def __init__(
        self,
        archives: Archives,
        committer: Committer,
        retention: Retention,
        tenants: Callable[[], Sequence[str]],
        told: Told,
        *,
        clock: Clock = system_clock,
        file_rows: int = FILE_ROWS,
    ) -> None:
        self._archives = archives
        self._committer = committer
        self._retention = retention
        self._tenants = tenants
        self._told = told
        self._clock = clock
        self._file_rows = file_rows
        self._row_seconds = 0.001
        self._woken = threading.Event()
        self._busy = threading.Lock()

    @property
    def folder(self) -> Path:
        """The folder of archives. Raises ``Unavailable`` where none is set."""
        if self._retention.folder is None:
            raise Unavailable("This server has no folder of archives: set COSTGRAPH_ARCHIVE_DIR.")
        return self._retention.folder

    def run(self, stop: threading.Event) -> None:
        """Archive what is old enough from time to time, until ``stop`` is set; ``wake`` then to end it."""
        while not stop.is_set():
            pause = EVERY_SECONDS
            try:
                if self._retention.days is not None:
                    for tenant in self._tenants():
                        with contextlib.suppress(Busy):
                            self.archive_all(tenant, self._retention.days, stop)
            except (GraphError, LedgerError) as error:
                logger.warning("usage could not be archived now: %s", error)
                self._told.archiving_failed()
                pause = AGAIN_SECONDS
            except Exception:
                # The thread must outlive anything: the graph would grow for ever.
                logger.exception("archiving failed; it is tried again")
                self._told.archiving_failed()
                pause = AGAIN_SECONDS
            self._woken.wait(pause)
            self._woken.clear()

    def wake(self) -> None:
        """Have ``run`` look at its ``stop`` now."""
        self._woken.set()

    def archive_all(self, tenant: str, days: int, stop: threading.Event) -> int:
        """Archive all of a tenant's usage that is old enough; how much. Raises what ``step`` raises."""
        horizon_us, after, archived = self.horizon_us(days), "", 0
        while not stop.is_set():
            step = self.step(tenant, horizon_us, after, self._file_rows)
            archived += step.archived
            if step.after is None:
                break
            after = step.after
        if archived:
            logger.info("%d operations were archived", archived)
        return archived

    def horizon_us(self, days: int) -> int:
        """Usage that happened before this instant is old enough: whole days, so that answers are stable."""
        return (self._clock() // DAY_US - days) * DAY_US

    def step(
        self,
        tenant: str,
        horizon_us: int,
        after: str,
        first: int,
        *,
        author: str | None = None,
        dry_run: bool = False,
    ) -> Step:
        """Look at the next operations before an instant, and archive what may go into one file.

        Raises ``LedgerError``, ``GraphError``; what was archived by then stays archived.
        """
        if dry_run:
            return self._look(tenant, horizon_us, after, first, None)[0]
        if not self._busy.acquire(timeout=BUSY_SECONDS):
            raise Busy("Usage is being archived at the moment: try again later.")
        try:
            self._lease(tenant, horizon_us)
            return self._archive(tenant, horizon_us, after, first, author)
        except OSError as error:
            raise Unavailable(f"The archive cannot be written: {error.strerror or error}") from error
        finally:
            self._archives.release(tenant)
            self._busy.release()

    def _archive(self, tenant: str, horizon_us: int, after: str, first: int, author: str | None) -> Step:
        first = min(first, self._file_rows)
        with Draft(self.folder, tenant) as draft:
            step, claims = self._look(tenant, horizon_us, after, first, draft)
            step.archived = 0
            if not claims:
                return step
            file = draft.publish()
        uid = uid_of(tenant, file.archive_id)
        for batch in self._batches(claims):
            self._lease(tenant, horizon_us)
            answer = self._commit(ArchiveUsage(tenant, None, file, batch, author))
            step.archived += answer.operations
            step.kept[Kept.CHANGED] += answer.left
        step.archive = self._archives.get(uid)
        if step.archive is None:
            discard(self.folder, file)
        self._told.archived(step.archived)
        return step

    def _look(
        self, tenant: str, horizon_us: int, after: str, first: int, draft: Draft | None
    ) -> tuple[Step, list[Claim]]:
        """What there is, page by page: what may go is written into the draft, if there is one."""
        through_seq = self._archives.told_through(tenant)
        step, claims = Step(after=after), list[Claim]()
        while step.after is not None and step.looked < first:
            limit = min(PAGE, first - step.looked)
            page = self._archives.candidates(tenant, step.after, horizon_us, through_seq, limit)
            for each in page:
                if each.kept is not None:
                    step.kept[each.kept] += 1
                    continue
                claims.append(each.raw.claim)
                if draft is not None:
                    draft.add(row_of(each.usage, each.entries), each.raw.timestamp_us)
            step.looked += len(page)
            step.through_us = page[-1].raw.timestamp_us if page else step.through_us
            step.after = page[-1].key if len(page) == limit else None
            if draft is not None:
                self._lease(tenant, horizon_us)
        step.archived = len(claims)
        return step, claims

    def _batches(self, claims: Sequence[Claim]) -> Iterator[Sequence[Claim]]:
        """Batches of a size that keeps the ledger for a moment only, as far as the last ones tell."""
        begin = 0
        while begin < len(claims):
            seconds = BATCH_BESIDE_SECONDS if self._committer.waiting else BATCH_SECONDS
            size = max(BATCH_MIN, min(ARCHIVED_MAX, int(seconds / self._row_seconds)))
            batch = claims[begin : begin + size]
            started = time.monotonic()
            yield batch
            self._row_seconds += 0.5 * ((time.monotonic() - started) / len(batch) - self._row_seconds)
            begin += size

    def _commit(self, command: ArchiveUsage) -> Archived:
        try:
            (answer,) = self._committer.submit_blocking([command], ANSWER_SECONDS)
        except NoAnswer as error:
            raise Unavailable("The ledger takes too long to archive: try again later.") from error
        if isinstance(answer, LedgerError):
            raise answer
        if not isinstance(answer, Archived):
            raise TypeError(f"an ArchiveUsage was answered by a {type(answer).__name__}")
        return answer

    def _lease(self, tenant: str, horizon_us: int) -> None:
        if not self._archives.lease(tenant, horizon_us):
            raise Busy("Another process archives this organisation's usage: try again later.")
