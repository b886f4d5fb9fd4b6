"""A lease: a reservation that is spent from in this process, and settled in batches in the background.

The reference for a client that decides at memory speed. It imports no room and speaks REST only.

What is left is counted here, in whole nano-units: the hold on the ledger is at least what is left plus all
that was decided and is not settled yet. So whatever is decided here fits into every limit, exactly, without
asking anybody. One thread settles what was decided; another asks for more before it runs dry, and keeps the
lease alive, so that no refill waits behind a settlement of ours. Repeating any of its requests is harmless:
operations have ids, extensions have keys.

A lease decides for half of its time to live only: the other half is for settling. What a client that dies
has not settled is not charged; its hold expires and gives back what it held.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple, Self

import httpx
import orjson

BATCH: Final = 1_000
"""How many operations one settlement takes."""
NANO: Final = 10**9
PAUSE_SECONDS: Final = 0.05
DRY_SECONDS: Final = 0.5
OK, CREATED, REFUSED = 200, 201, 402


class Spent(NamedTuple):
    """An operation that was decided here."""

    operation_id: str
    cost_nano: int


Told = Callable[[Literal["sent", "acknowledged"], Sequence[Spent]], None]
"""Is told of a batch before it is sent, and once it is acknowledged."""


class LeaseRefused(Exception):
    """The ledger has no room for it."""


class LeaseEnded(Exception):
    """It has expired, or was released."""


def tell_nobody(_what: Literal["sent", "acknowledged"], _batch: Sequence[Spent]) -> None:
    """The usual listener."""


class Lease:
    """Spends from one reservation. ``spend`` may be called from any thread.

    ``chunk_nano`` is asked for at a time; below half of it more is asked for.
    """

    def __init__(
        self,
        url: str,
        key: str,
        agent_id: str,
        budget_id: str,
        chunk_nano: int,
        *,
        idempotency_key: str,
        ttl_seconds: int = 60,
        waiting_max: int = 100_000,
        told: Told = tell_nobody,
    ) -> None:
        """Name what is leased; ``open`` leases it."""
        self._http = httpx.Client(
            base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=30, trust_env=False
        )
        self._agent_id = agent_id
        self._budget_id = budget_id
        self._chunk_nano = chunk_nano
        self._key = idempotency_key
        self._ttl_seconds = ttl_seconds
        self._waiting_max = waiting_max
        self._told = told
        self.reservation_id = ""
        self._lock = threading.Lock()
        self._left_nano = 0
        self._good_until = -math.inf
        self._waiting: deque[Spent] = deque()
        self._low = threading.Event()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._until_closed, args=(turn,), name=f"lease {name}", daemon=True)
            for name, turn in (("keeper", self._keep), ("settler", self._settle_what_waits))
        ]
        self._extensions = 0
        self._refill_from = -math.inf
        """Where there was less than was asked for, more is not asked for at once."""
        self.settlements: list[float] = []
        """How long each settlement took, in seconds."""
        self.failure: Exception | None = None
        """Why it decides nothing any more, where something went wrong."""

    def open(self) -> Self:
        """Take the lease. Raises ``LeaseRefused``."""
        began = time.monotonic()
        said = {
            "idempotency_key": self._key,
            "agent_id": self._agent_id,
            "budget_id": self._budget_id,
            "amount": _money(self._chunk_nano),
            "ttl_seconds": self._ttl_seconds,
            "requests": 0,
        }
        status, answer = self._ask("/v1/reservations", said)
        if status not in {OK, CREATED}:
            self._http.close()
            raise LeaseRefused(answer.get("message") or answer.get("detail"))
        self.reservation_id = answer["reservation_id"]
        self._granted(_nano(answer["remaining"]), began)
        for thread in self._threads:
            thread.start()
        return self

    @property
    def left_nano(self) -> int:
        """What may be spent without asking."""
        return self._left_nano

    @property
    def waiting(self) -> int:
        """How many decided operations are not settled yet."""
        return len(self._waiting)

    def spend(self, operation_id: str, cost_nano: int) -> bool:
        """Whether an operation may cost this. It is decided, and will be settled, or nothing has changed."""
        with self._lock:
            left = self._left_nano - cost_nano
            if left < 0 or len(self._waiting) >= self._waiting_max or time.monotonic() > self._good_until:
                self._low.set()
                return False
            self._left_nano = left
            self._waiting.append(Spent(operation_id, cost_nano))
        if left * 2 < self._chunk_nano:
            self._low.set()
        return True

    def close(self) -> None:
        """Settle everything, and give back what is left."""
        with self._lock:
            self._stop.set()
            self._good_until = -math.inf
        self._low.set()
        for thread in self._threads:
            thread.join()
        try:
            if self.failure is None:
                while len(self._waiting) > BATCH:
                    self._settle()
                self._settle(final=True)
        finally:
            self._http.close()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _until_closed(self, turn: Callable[[], None]) -> None:
        """One thread's life: its turn again and again."""
        try:
            while not self._stop.is_set():
                turn()
        except Exception as error:  # noqa: BLE001 - the thread's end is told where it is asked for
            self.failure = error
            with self._lock:
                self._good_until = -math.inf

    def _keep(self) -> None:
        """Refill when half is gone, extend when the time is."""
        self._low.wait(PAUSE_SECONDS)
        self._low.clear()
        low = self._left_nano * 2 < self._chunk_nano and time.monotonic() > self._refill_from
        if low or self._good_until - time.monotonic() < self._ttl_seconds / 4:
            self._extend(self._chunk_nano if low else 0)

    def _settle_what_waits(self) -> None:
        """A full batch at once, less after a pause."""
        if len(self._waiting) < BATCH:
            self._stop.wait(PAUSE_SECONDS)
        if self._waiting:
            self._settle()

    def _extend(self, add_nano: int | None) -> None:
        """Ask for more and for longer; where there is less, for exactly what there is."""
        while add_nano is not None:
            self._extensions += 1
            said = {
                "idempotency_key": f"{self._key}/{self._extensions}",
                "ttl_seconds": self._ttl_seconds,
                "add_amount": _money(add_nano),
            }
            began = time.monotonic()
            status, answer = self._ask(f"/v1/reservations/{self.reservation_id}/extend", said)
            if status == OK:
                self._granted(add_nano, began)
                return
            if status != REFUSED:
                raise LeaseEnded(answer.get("detail"))
            self._refill_from = time.monotonic() + DRY_SECONDS
            add_nano = _less(add_nano, answer["violations"])

    def _granted(self, added_nano: int, began: float) -> None:
        """More is held, from the moment of asking on."""
        with self._lock:
            self._left_nano += added_nano
            if self.failure is None and not self._stop.is_set():
                self._good_until = began + self._ttl_seconds / 2

    def _settle(self, *, final: bool = False) -> None:
        """Settle the oldest batch; it is forgotten once it is acknowledged."""
        batch = [self._waiting[index] for index in range(min(BATCH, len(self._waiting)))]
        rows = [
            {
                "operation_id": each.operation_id,
                "agent_id": self._agent_id,
                "capability_type": "lease",
                "provider_cost": _money(each.cost_nano),
            }
            for each in batch
        ]
        self._told("sent", batch)
        began = time.monotonic()
        body = {"usages": rows, "final": final}
        status, answer = self._ask(f"/v1/reservations/{self.reservation_id}/settle", body)
        wrong = [] if status == OK else [answer]
        wrong += [each for each in answer.get("results", ()) if each["status"] not in {OK, CREATED}]
        if wrong:
            raise LeaseEnded(wrong[0].get("detail") or wrong[0].get("message"))
        self.settlements.append(time.monotonic() - began)
        self._told("acknowledged", batch)
        for _ in batch:
            self._waiting.popleft()

    def _ask(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """An answer; while there is none, ask again, as long as the lease may live."""
        until = time.monotonic() + self._ttl_seconds
        while True:
            try:
                content = orjson.dumps(body)
                answer = self._http.post(path, content=content, headers={"content-type": "application/json"})
                if answer.status_code not in {429, 503}:
                    return answer.status_code, orjson.loads(answer.content)
            except httpx.TransportError as error:
                if time.monotonic() > until:
                    raise LeaseEnded(f"nobody answers: {error}") from error
            if time.monotonic() > until:
                raise LeaseEnded("nobody answers")
            time.sleep(PAUSE_SECONDS)


def _less(add_nano: int, violations: Sequence[dict[str, Any]]) -> int | None:
    """What to ask for where that much is refused: what there is, if we are told; None: nothing helps."""
    if not add_nano or any(each["meter"] != "COST" for each in violations):
        return None
    told = [_nano(each["available"]) for each in violations if not each["redacted"]]
    return min(add_nano - 1, max(0, min(told, default=add_nano // 2)))


def _money(nano: int) -> str:
    return f"{Decimal(nano).scaleb(-9):f}"


def _nano(text: str) -> int:
    return int(Decimal(text).scaleb(9))
