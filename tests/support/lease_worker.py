"""A process that spends from a lease until SIGTERM, and keeps a journal that outlives a SIGKILL.

``python -m tests.support.lease_worker URL BUDGET JOURNAL NAME``; the key is in ``COSTGRAPH_KEY``.
"""

import os
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from bench.lease_client import Lease, LeaseRefused, Spent, Told
from tests.support.signals import Stop, Stopped, stopped_by_a_signal

CHUNK_NANO = 2_000_000
COST_NANO_MAX = 20_000
TTL_SECONDS = 10
BURST = 40


class Journal:
    """Lines that are with the kernel once they are written."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    def told(self, what: Literal["sent", "acknowledged"], batch: Sequence[Spent]) -> None:
        """A batch was sent, or acknowledged."""
        lines = (f"{what} {each.operation_id} {each.cost_nano}\n" for each in batch)
        os.write(self._file, "".join(lines).encode())


def main() -> None:
    """Spend in bursts."""
    url, budget, journal, name = sys.argv[1:]
    chance, told = random.Random(name), Journal(Path(journal)).told
    with stopped_by_a_signal() as stop:
        lease = _opened(url, budget, name, told, stop)
        count = 0
        try:
            while lease.failure is None and not stop.asked:
                for _ in range(BURST):
                    count += 1
                    lease.spend(f"{name}-{count}", chance.randrange(1, COST_NANO_MAX))
                time.sleep(chance.uniform(0.01, 0.1))
        finally:
            lease.close()


def _opened(url: str, budget: str, name: str, told: Told, stop: Stop) -> Lease:
    """A lease, as soon as there is room for one."""
    attempt = 0
    while not stop.asked:
        attempt += 1
        lease = Lease(
            url,
            os.environ["COSTGRAPH_KEY"],
            f"{budget}-agent",
            budget,
            CHUNK_NANO,
            idempotency_key=f"{name}/{attempt}",
            ttl_seconds=TTL_SECONDS,
            told=told,
        )
        try:
            return lease.open()
        except LeaseRefused:
            time.sleep(0.2)
    raise Stopped


if __name__ == "__main__":
    main()
