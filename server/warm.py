"""Warms the hot statements before a server says that it is ready.

The first transactions of a new engine process are slow (its compiler has yet to see them: p99 of 0.2
to 1.1 s, ``ENGINES.md``). A rehearsal runs the real batches of the ledger on a tenant that never
comes to be: every transaction is rolled back.
"""

import contextlib
import secrets
import time
from collections.abc import Generator

from graph.ledger import GraphLedgerStore
from graph.ledger.store import GraphLedgerTransaction
from ledger.batch import attempt
from ledger.commands import Record, Reserve
from ledger.usage import Usage, parse_usage
from pricing.quote import Pricer, PricingRequest

BATCHES = (1, 1, 1, 1, 20, 20, 20, 100, 100, 100)
SECONDS_MAX = 1.5
RESERVED = 2
"""Which of three commands holds money; the others record."""
WARM_MODEL = ("openai", "gpt-4o")


class _Rehearsal:
    """The ledger's store, whose transactions all roll back."""

    def __init__(self, store: GraphLedgerStore) -> None:
        self._store = store

    @contextlib.contextmanager
    def transaction(self) -> Generator[GraphLedgerTransaction]:
        with self._store.transaction() as transaction:
            yield transaction
            transaction.cancel()


def warm(store: GraphLedgerStore, pricer: Pricer) -> None:
    """Run the ledger's batches in growing sizes, for ``SECONDS_MAX`` at most, and leave nothing behind."""
    give_up = time.monotonic() + SECONDS_MAX
    rehearsal = _Rehearsal(store)
    for index, size in enumerate(BATCHES):
        if time.monotonic() > give_up:
            return
        tenant = f"warm-{secrets.token_hex(8)}"
        now_us = time.time_ns() // 1_000
        commands = [_command(tenant, index + number, now_us, pricer) for number in range(size)]
        attempt(rehearsal, {}, commands, now_us)


def _command(tenant: str, number: int, now_us: int, pricer: Pricer) -> Record | Reserve:
    if number % 3 == RESERVED:
        return Reserve(tenant, None, f"warm-{number}", f"warm-{number % 3}", amount_nano=1)
    provider, model = WARM_MODEL if number % 2 == 0 else ("none", "none")
    usage = parse_usage(
        {
            "operation_id": f"warm-{number}",
            "agent_id": f"warm-{number % 3}",
            "capability_type": "warm",
            "provider": provider,
            "model_id": model,
            "prompt_tokens": 100,
            "completion_tokens": 10,
        }
    )
    if not isinstance(usage, Usage):
        raise TypeError(usage.message)
    quote = pricer.quote(PricingRequest(now_us, provider, model, usage.counts))
    return Record(tenant, None, usage, quote)
