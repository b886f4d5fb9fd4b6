"""Delivers events to webhook endpoints: at least once, in order per endpoint, whatever an endpoint does.

One process at a time serves an endpoint, by a lease in the graph, and begins where the cursor is. An event
that is not taken is tried again after growing pauses, and holds up those behind it: order is kept. After the
last pause it becomes a dead letter, which can be sent again, and the next one goes out.
"""

import logging
import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from graph.errors import GraphError
from graph.events import Follower, Relay
from graph.ledger import Trees
from graph.webhooks import Webhooks
from ledger.changes import Event
from ledger.delivery import DeadLetter, Endpoint, body_of, signed
from ledger.errors import InvalidInput
from ledger.events import COST_RECORDED
from ledger.model import seq_uid
from ledger.view import View
from server.metrics import Metrics
from server.outbound import Limits, Outbound, OutboundError, OutboundRequest

REFRESH_SECONDS: Final = 2.0
"""How soon a new endpoint, or a change of one, is noticed in every process."""
WAIT_SECONDS: Final = 0.5
TURN_SECONDS: Final = 5.0
"""How long an endpoint is served before others have their turn."""
AT_ONCE_MAX: Final = 16
"""How many endpoints are served at once."""
LIMITS: Final = Limits(seconds=10.0, body_bytes=2**16)
NOTED_EVERY: Final = 20
NOTED_SECONDS: Final = 1.0
"""How often the cursor is written: what a crash sends again."""
PASSED_MAX: Final = 2_000
"""How many numbers of the sequence are passed over before the cursor is written all the same."""
RETRY_AFTER_SECONDS_MAX: Final = 3_600.0
REPLAYED_MAX: Final = 100
GONE: Final = 410
ERROR_LENGTH_MAX: Final = 500

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an endpoint did not take an event."""

    error: str
    gone: bool = False
    after_seconds: float = 0.0


def vet_url(outbound: Outbound, url: str) -> None:
    """Look at an endpoint's address before it is kept. Raises ``InvalidInput``."""
    try:
        outbound.check(url)
    except OutboundError as error:
        raise InvalidInput(f"url: {error}", field="url") from error


class Deliveries:
    """``run`` is the work of one thread; what is sent, is sent by a few others."""

    def __init__(
        self,
        webhooks: Webhooks,
        relay: Relay,
        trees: Trees,
        outbound: Outbound,
        metrics: Metrics,
        pauses: Sequence[float],
        letters_max: int,
    ) -> None:
        """``pauses`` are the seconds between the attempts to deliver an event.

        An endpoint with ``letters_max`` dead letters is disabled: whoever mends it finds all that it missed.
        """
        self._webhooks = webhooks
        self._relay = relay
        self._trees = trees
        self._outbound = outbound
        self._metrics = metrics
        self._pauses = pauses
        self._letters_max = letters_max
        self._endpoints: dict[str, Endpoint] = {}
        self._passed: dict[str, int] = {}
        """Up to which number an endpoint gets nothing, where that is further than its cursor."""
        self._followers: dict[str, Follower] = {}
        self._busy: set[str] = set()
        self._changed = threading.Condition()
        self._woken = False
        self._stop = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Deliver, until ``stop`` is set; call ``wake`` then to end it soon."""
        self._stop = stop
        look_at = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE_MAX, "webhook") as pool, ExitStack() as stack:
            stack.callback(self._unfollow, ())
            while not stop.is_set():
                try:
                    if time.monotonic() >= look_at:
                        look_at = time.monotonic() + REFRESH_SECONDS
                        self._refresh()
                    self._begin(pool)
                except GraphError:
                    logger.warning("webhooks wait: the engine does not answer", exc_info=True)
                except Exception:
                    # The thread must outlive anything: without it nothing is delivered.
                    logger.exception("the delivery of webhooks met a defect")
                self._wait(WAIT_SECONDS if self._endpoints else REFRESH_SECONDS)

    def wake(self) -> None:
        """There may be something to deliver, or the end has come."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def _wait(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._woken or self._stop.is_set(), seconds)
            self._woken = False

    def _refresh(self) -> None:
        """The endpoints as they are now; those that are being served are known better here."""
        found = {endpoint.uid: endpoint for endpoint in self._webhooks.enabled()}
        with self._changed:
            for uid in self._busy:
                if uid in found and uid in self._endpoints:
                    found[uid] = self._endpoints[uid]
            self._endpoints = found
            for uid in self._passed.keys() - found.keys():
                del self._passed[uid]
        tenants = {endpoint.tenant for endpoint in found.values()}
        self._unfollow(tenants)
        for tenant in tenants - self._followers.keys():
            self._followers[tenant] = self._relay.follow(tenant, self.wake)
            self._relay.add(self._followers[tenant])

    def _unfollow(self, but: Sequence[str] | set[str]) -> None:
        for tenant in self._followers.keys() - set(but):
            self._relay.remove(self._followers.pop(tenant))

    def _begin(self, pool: ThreadPoolExecutor) -> None:
        """Serve those endpoints that have something to be sent, and whose turn it is."""
        now_us = _now_us()
        with self._changed:
            waiting = [each for each in self._endpoints.values() if each.uid not in self._busy]
        for endpoint in waiting:
            follower = self._followers.get(endpoint.tenant)
            if follower is None or not self._webhooks.ours(endpoint) or endpoint.next_attempt_us > now_us:
                continue
            at = self._place(endpoint)
            if endpoint.replaying or follower.take(at).through != at:
                with self._changed:
                    self._busy.add(endpoint.uid)
                pool.submit(self._serve, endpoint, follower)

    def _place(self, endpoint: Endpoint) -> int:
        """How far an endpoint is, as far as this process knows."""
        return max(endpoint.cursor_seq, self._passed.get(endpoint.uid, 0))

    def _nothing_for(self, endpoint: Endpoint, follower: Follower) -> bool:
        """Whether an endpoint gets none of what comes next: then nothing is written, only remembered."""
        events, through = self.events(endpoint, follower, self._place(endpoint))
        if events or endpoint.replaying or through - endpoint.cursor_seq > PASSED_MAX:
            return False
        with self._changed:
            self._passed[endpoint.uid] = through
        return True

    def _serve(self, endpoint: Endpoint, follower: Follower) -> None:
        served: Endpoint | None = None
        try:
            if self._nothing_for(endpoint, follower):
                served = endpoint
            elif (leased := self._webhooks.lease(endpoint)) is not None:
                served = replace(leased, cursor_seq=self._place(leased))
                if served.next_attempt_us <= _now_us():
                    served = _Turn(self, served, follower).run()
        except GraphError:
            logger.warning("a webhook endpoint waits: the engine does not answer", exc_info=True)
        except Exception:
            logger.exception("a webhook endpoint met a defect")
        with self._changed:
            self._busy.discard(endpoint.uid)
            if served is None:
                # Another process serves it, or it is gone: the next look tells.
                self._endpoints.pop(endpoint.uid, None)
            elif endpoint.uid in self._endpoints:
                self._endpoints[endpoint.uid] = served
            self._woken = True
            self._changed.notify_all()

    def send(self, endpoint: Endpoint, seq: int, body: bytes) -> Failure | None:
        """Send one message; None where it was taken."""
        request = OutboundRequest(endpoint.url, "POST", signed(endpoint, seq, body, _now_us()), body)
        try:
            response = self._outbound.send_blocking(request, LIMITS)
        except OutboundError as error:
            return Failure(f"{error.code}: {error}"[:ERROR_LENGTH_MAX])
        if 200 <= response.status < 300:  # noqa: PLR2004 - what HTTP calls successful
            return None
        after = response.headers.get("retry-after", "")
        seconds = min(float(after), RETRY_AFTER_SECONDS_MAX) if after.isdecimal() else 0.0
        return Failure(f"STATUS: answered {response.status}", response.status == GONE, seconds)

    def pause_seconds(self, attempts: int, failure: Failure) -> float | None:
        """How long to wait after so many attempts; None where that was the last one."""
        if attempts > len(self._pauses):
            return None
        pause = self._pauses[attempts - 1]
        return max(failure.after_seconds, random.uniform(0.9, 1.1) * pause)  # noqa: S311 - spreads load

    def too_many(self, letters: int) -> bool:
        """Whether an endpoint has as many dead letters as one may have."""
        return letters >= self._letters_max

    def counted(self, outcome: str) -> None:
        """Something was delivered, failed, or is dead."""
        self._metrics.deliveries.labels(outcome).inc()

    @property
    def stopping(self) -> bool:
        """Whether the end has come."""
        return self._stop.is_set()

    @property
    def webhooks(self) -> Webhooks:
        """The endpoints' store."""
        return self._webhooks

    def events(self, endpoint: Endpoint, follower: Follower, after: int) -> tuple[list[Event], int]:
        """What an endpoint is to get after a place, and the place that this reaches."""
        taken = follower.take(after)
        events = taken.events
        if taken.behind:
            read = partial(self._relay.stream.read, costs=COST_RECORDED in endpoint.types)
            events = read(endpoint.tenant, after, taken.through)
        wanted = [event for event in events if event.type in endpoint.types]
        if wanted and endpoint.budget_uid is not None:
            view = View(self._trees.at(endpoint.tenant, taken.version), endpoint.budget_uid)
            wanted = [event for event in wanted if view.sees(event.budget_uid)]
        return wanted, taken.through

    def event(self, endpoint: Endpoint, seq: int) -> Event | None:
        """One event of the sequence."""
        return next(iter(self._relay.stream.read(endpoint.tenant, seq - 1, seq)), None)


class _Turn:
    """One endpoint, served for a while by the process that has its lease."""

    def __init__(self, deliveries: Deliveries, endpoint: Endpoint, follower: Follower) -> None:
        self._deliveries = deliveries
        self._webhooks = deliveries.webhooks
        self._endpoint = endpoint
        self._follower = follower
        self._until = time.monotonic() + TURN_SECONDS
        self._noted_at = time.monotonic()
        self._unnoted = 0

    def run(self) -> Endpoint | None:
        """Deliver; the endpoint as it is then, None where it is no longer ours."""
        if self._endpoint.replaying and not self._replay():
            return None
        while self._goes_on():
            at = self._endpoint.cursor_seq
            events, through = self._deliveries.events(self._endpoint, self._follower, at)
            if through == at:
                break
            for event in events:
                if not self._goes_on() or not self._deliver(event):
                    return self._noted()
            self._endpoint = replace(self._endpoint, cursor_seq=through)
            self._unnoted += 1
        return self._noted()

    def _goes_on(self) -> bool:
        return time.monotonic() < self._until and not self._deliveries.stopping

    def _deliver(self, event: Event) -> bool:
        """Deliver one event, or bury it; False where the endpoint must wait, or is no longer ours."""
        failure = self._deliveries.send(self._endpoint, event.seq, body_of(event))
        if failure is None:
            self._deliveries.counted("delivered")
            self._pass(event, None)
            due = self._unnoted >= NOTED_EVERY or time.monotonic() - self._noted_at > NOTED_SECONDS
            return not due or self._noted() is not None
        attempts = self._endpoint.attempts + 1
        pause = self._deliveries.pause_seconds(attempts, failure)
        if failure.gone:
            self._deliveries.counted("failed")
            self._wait_with(event, 0, 0.0, failure.error)
            self._webhooks.change(self._endpoint, {"enabled": False})
            return False
        if pause is None:
            self._deliveries.counted("dead")
            letters = self._webhooks.bury(self._endpoint, _letter(event, attempts, failure))
            full = self._deliveries.too_many(letters)
            self._pass(event, f"DISABLED: {letters} dead letters" if full else failure.error)
            ours = self._noted() is not None
            if ours and full:
                self._webhooks.change(self._endpoint, {"enabled": False})
            return ours and not full
        self._deliveries.counted("failed")
        self._wait_with(event, attempts, pause, failure.error)
        return False

    def _pass(self, event: Event, error: str | None) -> None:
        """The event is behind the endpoint."""
        self._endpoint = replace(
            self._endpoint, cursor_seq=event.seq, attempts=0, next_attempt_us=0, last_error=error
        )
        self._unnoted += 1

    def _wait_with(self, event: Event, attempts: int, pause_seconds: float, error: str) -> None:
        """The event is the next one, after a pause."""
        self._endpoint = replace(
            self._endpoint,
            cursor_seq=event.seq - 1,
            attempts=attempts,
            next_attempt_us=_now_us() + int(pause_seconds * 1_000_000),
            last_error=error,
        )
        self._unnoted += 1

    def _noted(self) -> Endpoint | None:
        """Write how far the endpoint is; None where it is no longer ours."""
        if not self._unnoted:
            return self._endpoint
        endpoint = self._endpoint
        self._unnoted, self._noted_at = 0, time.monotonic()
        ours = self._webhooks.progress(
            endpoint,
            cursor_seq=endpoint.cursor_seq,
            attempts=endpoint.attempts,
            next_attempt_us=endpoint.next_attempt_us,
            last_error=endpoint.last_error,
        )
        return endpoint if ours else None

    def _replay(self) -> bool:
        """Send dead letters again, in order; what fails stays one. False where the endpoint is not ours."""
        if not self._webhooks.progress(self._endpoint, replaying=False):
            return False
        self._endpoint = replace(self._endpoint, replaying=False)
        letters = self._webhooks.replaying(self._endpoint, REPLAYED_MAX)
        for letter in letters:
            if not self._goes_on():
                break
            event = self._deliveries.event(self._endpoint, letter.seq)
            failure = None
            if event is not None:
                failure = self._deliveries.send(self._endpoint, event.seq, body_of(event))
            if event is not None and failure is not None:
                self._deliveries.counted("dead")
                self._webhooks.bury(self._endpoint, _letter(event, letter.attempts + 1, failure))
            else:
                self._deliveries.counted("delivered")
                self._webhooks.drop(self._endpoint, letter)
            if not self._webhooks.progress(self._endpoint):
                return False
        else:
            if len(letters) < REPLAYED_MAX:
                return True
        self._endpoint = replace(self._endpoint, replaying=True)
        return self._webhooks.progress(self._endpoint, replaying=True)


def _letter(event: Event, attempts: int, failure: Failure) -> DeadLetter:
    event_id = seq_uid(event.tenant, event.seq)
    return DeadLetter(event.seq, event_id, event.type, attempts, failure.error, _now_us())


def _now_us() -> int:
    return time.time_ns() // 1_000
