"""Refreshes the price sources: reads each when it is due or asked for, and tells the ledger what is new.

Whatever goes wrong, the last good prices go on, the failure is noted at the source and counted, and the next
try comes by itself. Prices are told to the ledger before the refresh is noted: a process that dies in between
tells them once more, which changes nothing. One process at a time refreshes a source; scheduled refreshes
of one process come one after the other.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as NoAnswer
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Final

from graph.errors import GraphError
from graph.price_sources import PriceSources
from graph.prices import PriceBooks
from ledger.committer import Committer, system_clock
from ledger.errors import Conflict, InvalidInput, LedgerError, NotFound, Unavailable
from ledger.ports import Clock
from ledger.price_sources import (
    DECIDED_MAX,
    SOURCES_MAX,
    Attempt,
    HeldPrice,
    HeldState,
    RefreshOutcome,
    StoredSource,
)
from ledger.refresh import Command, Held, Plan, Speaker, approved, plan_refresh
from pricing.catalogue import Catalogue
from pricing.errors import PricingError
from pricing.pinned import read_catalogue
from pricing.sources import PriceSource, Reading, SourceKind, read_source
from server.outbound import Limits, Outbound, OutboundError, OutboundRequest, Stopped

LOOK_SECONDS: Final = 10.0
"""How often it is looked for sources that are due."""
DOCUMENT_BYTES_MAX: Final = 32 << 20
ANSWER_SECONDS: Final = 60.0
SLICE: Final = 500
"""Cards that the ledger is told of at once."""
ETAG_LENGTH_MAX: Final = 1_024
OK, NOT_MODIFIED = 200, 304

logger = logging.getLogger(__name__)


class SourceFailed(Exception):
    """A source has no document that can be read now."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Document:
    """What a source says; no content where it says that nothing is new."""

    content: bytes | None
    etag: str | None = None


class Refresher:
    """Refreshes sources. Thread-safe; ``told`` is called after each refresh with its kind and outcome."""

    def __init__(
        self,
        sources: PriceSources,
        books: PriceBooks,
        committer: Committer,
        outbound: Outbound,
        catalogue: Catalogue,
        *,
        files_dir: Path | None = None,
        told: Callable[[SourceKind, RefreshOutcome], None] = lambda _kind, _outcome: None,
        clock: Clock = system_clock,
    ) -> None:
        self._sources = sources
        self._books = books
        self._committer = committer
        self._outbound = outbound
        self._catalogue = catalogue
        self._files_dir = files_dir
        self._told = told
        self._clock = clock
        self._stopping = threading.Event()
        self._woken = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Refresh what is due, until ``stop`` is set; call ``wake`` then to end it at once."""
        while not stop.is_set():
            try:
                for tenant, source_id in self._sources.due(self._clock()):
                    if not stop.is_set():
                        self._refresh_leased(tenant, source_id)
            except Stopped:
                return
            except GraphError:
                logger.warning("price sources cannot be looked for", exc_info=True)
            except Exception:
                # The thread must outlive anything: prices would grow old in silence.
                logger.exception("a refresh of prices failed; it is tried again")
            self._woken.wait(LOOK_SECONDS)
            self._woken.clear()

    def wake(self) -> None:
        """Give up what is being read, and have ``run`` look at its ``stop`` now."""
        self._stopping.set()
        self._woken.set()

    def put(self, tenant: str, author: str, source: PriceSource) -> StoredSource:
        """Set up a source, or anew; a scheduled one is read at once. Raises ``InvalidInput``."""
        if source.url is not None:
            try:
                self._outbound.check(source.url)
            except OutboundError as error:
                raise InvalidInput(str(error), field="location") from error
        if source.file_name is not None and self._files_dir is None:
            raise InvalidInput("this server has no folder of price files", field="location")
        known = self._sources.get(tenant, source.source_id)
        if known is None and len(self._sources.page(tenant)) >= SOURCES_MAX:
            raise InvalidInput(f"there are at most {SOURCES_MAX} price sources", field="source_id")
        now_us = self._clock()
        due_us = None if source.every_seconds is None else now_us
        stored = StoredSource(tenant, source, author, now_us, due_at_us=due_us)
        if known is not None:
            stored = replace(
                stored, attempts=known.attempts, good_at_us=known.good_at_us, waiting=known.waiting
            )
        stored = self._sources.put(stored)
        self._woken.set()
        return stored

    def remove(self, tenant: str, author: str, source_id: str) -> StoredSource:
        """Forget a source. Its prices hold on. Raises ``NotFound``."""
        stored = self._get(tenant, source_id)
        self._sources.remove(tenant, source_id, author)
        return stored

    def refresh(self, tenant: str, source_id: str) -> StoredSource:
        """Refresh a source now. Raises ``NotFound``, ``Conflict`` while it is being refreshed."""
        self._get(tenant, source_id)
        try:
            refreshed = self._refresh_leased(tenant, source_id)
        except Stopped as error:
            raise Unavailable("The service is stopping; nothing was read.") from error
        if not refreshed:
            raise Conflict(f"Price source {source_id} is being refreshed now.", field="source_id")
        return self._get(tenant, source_id)

    def decide(
        self, tenant: str, author: str, held_ids: Sequence[str], reason: str | None, *, approve: bool
    ) -> list[HeldPrice]:
        """Take held prices, or turn them down. Raises ``NotFound``, ``Conflict``, ``InvalidInput``."""
        if len(held_ids) > DECIDED_MAX:
            raise InvalidInput(f"at most {DECIDED_MAX} held prices are decided at once", field="held_ids")
        ids = list(dict.fromkeys(held_ids))
        held = self._sources.held(tenant, ids)
        missing = set(ids) - {each.held_id for each in held}
        if missing:
            raise NotFound(f"There is no held price {min(missing)}.", field="held_ids")
        wanted = HeldState.APPROVED if approve else HeldState.REJECTED
        over = [each for each in held if each.state not in {HeldState.HELD, wanted}]
        if over:
            text = f"Held price {over[0].held_id} is {over[0].state} already."
            raise Conflict(text, field="held_ids")
        open_ones = [each for each in held if each.state is HeldState.HELD]
        if approve and open_ones:
            why = reason or "approved after a jump"
            speaker = Speaker(tenant, author, why)
            self._say(approved(speaker, [each.offered for each in open_ones], self._books.get(tenant)))
        if open_ones:
            self._sources.decide(tenant, open_ones, wanted, author, reason)
        return self._sources.held(tenant, ids)

    def _get(self, tenant: str, source_id: str) -> StoredSource:
        stored = self._sources.get(tenant, source_id)
        if stored is None:
            raise NotFound(f"There is no price source {source_id}.", field="source_id")
        return stored

    def _refresh_leased(self, tenant: str, source_id: str) -> bool:
        """Refresh a source; False where somebody else is at it. Raises ``Stopped``."""
        stored = self._sources.lease(tenant, source_id)
        if stored is None:
            return False
        started = time.monotonic()
        try:
            attempt, held = self._attempt(stored)
        except Stopped:
            self._sources.release(stored)
            raise
        took_ms = round((time.monotonic() - started) * 1_000)
        self._sources.finish(stored, replace(attempt, took_ms=took_ms), held)
        self._told(stored.source.kind, attempt.outcome)
        if attempt.outcome is RefreshOutcome.FAILED:
            # Neither the tenant nor the URL: logs are read by more people than prices.
            logger.warning("a %s price source failed: %s", stored.source.kind, attempt.code)
        return True

    def _attempt(self, stored: StoredSource) -> tuple[Attempt, tuple[Held, ...] | None]:
        """Read a source and tell the ledger; what became of it, and what waits now."""
        now_us = self._clock()
        try:
            return self._read(stored, now_us)
        except Stopped:
            raise
        except (SourceFailed, OutboundError) as error:
            code, message = error.code, str(error)
        except PricingError as error:
            code, message = "DATA", error.message
        except LedgerError as error:
            code, message = error.code, error.message
        except (GraphError, NoAnswer) as error:
            logger.warning("prices could not be told to the ledger: %s", error)
            code, message = "UNAVAILABLE", "the graph engine does not answer now"
        except Exception:
            logger.exception("a price source met a defect")
            code, message = "INTERNAL", "something went wrong on our side; the server's log has it"
        return Attempt(now_us, RefreshOutcome.FAILED, code, message[:500]), None

    def _read(self, stored: StoredSource, now_us: int) -> tuple[Attempt, tuple[Held, ...] | None]:
        source = stored.source
        if source.kind is SourceKind.CATALOGUE:
            document, content_hash = Document(b""), self._catalogue.content_hash
        else:
            document = self._fetch(stored)
            content_hash = None if document.content is None else sha256(document.content).hexdigest()
        if document.content is None or content_hash == stored.content_hash:
            unchanged = Attempt(
                now_us,
                RefreshOutcome.UNCHANGED,
                version=next((each.version for each in stored.attempts if each.version), ""),
                content_hash=stored.content_hash or "",
                etag=document.etag or stored.etag,
            )
            return unchanged, None
        reading = self._reading(source, document.content)
        plan = self._plan(stored, reading, now_us)
        self._say(plan.commands)
        attempt = Attempt(
            now_us,
            RefreshOutcome.UPDATED,
            accepted=plan.accepted,
            held=len(plan.held),
            kept=plan.kept,
            left_out=reading.left_out,
            version=reading.version,
            content_hash=reading.content_hash,
            etag=document.etag,
        )
        return attempt, plan.held

    def _reading(self, source: PriceSource, content: bytes) -> Reading:
        if source.kind is SourceKind.CATALOGUE:
            return read_catalogue(source, self._catalogue)
        return read_source(source, content)

    def _plan(self, stored: StoredSource, reading: Reading, now_us: int) -> Plan:
        tenant, source = stored.tenant, stored.source
        rejected = self._sources.rejected(tenant, source.source_id)
        return plan_refresh(tenant, source, reading, self._books.get(tenant), rejected, now_us)

    def _fetch(self, stored: StoredSource) -> Document:
        """The source's document. Raises ``OutboundError``, ``SourceFailed``."""
        source = stored.source
        if source.url is None:
            return Document(self._file(source.file_name or ""))
        accepted = "text/csv, application/zip" if source.kind is SourceKind.ECB else "application/json"
        headers = {"Accept": accepted}
        if stored.etag is not None and stored.content_hash is not None:
            headers["If-None-Match"] = stored.etag
        limits = Limits(source.timeout_seconds, DOCUMENT_BYTES_MAX)
        request = OutboundRequest(source.url, headers=headers)
        answer = self._outbound.send_blocking(request, limits, self._stopping)
        etag = answer.headers.get("etag")
        if etag is not None and not (len(etag) <= ETAG_LENGTH_MAX and etag.isascii() and etag.isprintable()):
            etag = None
        if answer.status == NOT_MODIFIED and "If-None-Match" in headers:
            return Document(None, etag)
        if answer.status != OK:
            raise SourceFailed("STATUS", f"the source answered with status {answer.status}")
        return Document(answer.body, etag)

    def _file(self, name: str) -> bytes:
        """A file of the folder of price files. Raises ``SourceFailed``."""
        path = None if self._files_dir is None else self._files_dir / name
        if path is None or not path.is_file():
            raise SourceFailed("FILE", f"there is no file {name} in the folder of price files")
        try:
            with path.open("rb") as file:
                content = file.read(DOCUMENT_BYTES_MAX + 1)
        except OSError as error:
            raise SourceFailed("FILE", f"{name} cannot be read: {error.strerror}") from error
        if len(content) > DOCUMENT_BYTES_MAX:
            raise SourceFailed("SIZE", f"{name} has more than {DOCUMENT_BYTES_MAX} bytes")
        return content

    def _say(self, commands: Sequence[Command]) -> None:
        """Tell the ledger. Raises ``LedgerError`` for the first that it does not take."""
        for begin in range(0, len(commands), SLICE):
            answers = self._committer.submit_blocking(commands[begin : begin + SLICE], ANSWER_SECONDS)
            for answer in answers:
                if isinstance(answer, LedgerError):
                    raise answer
