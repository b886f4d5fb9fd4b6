"""The listener port: code in the server's process is told of budget events once they are committed."""

import asyncio
from pathlib import Path

import pytest

from graph.engines import open_engine
from ledger.access import Principal, Role
from ledger.changes import Event
from ledger.commands import CreateBudget
from ledger.model import BudgetType
from ledger.results import Reservation
from server.services import Running, open_services
from server.settings import load_settings
from tests.support.servers import eventually


class Listener:
    """Notes what it is told, and may fail at it."""

    def __init__(self, failing: Exception | None = None) -> None:
        self.told: list[Event] = []
        self._failing = failing

    def happened(self, event: Event) -> None:
        self.told.append(event)
        if self._failing is not None:
            raise self._failing


async def _stream_past(running: Running, admin: Principal) -> None:
    """Stream until the budget is used up, chunk by chunk."""
    ledger, reserving = running.services.ledger, running.services.reserving
    await ledger.submit(
        CreateBudget("default", None, "flow", BudgetType.CUSTOM, None, amount_nano=100 * 10_000)
    )
    said = {"idempotency_key": "k", "agent_id": "a", "budget_id": "flow", "amount": "0"}
    held = await reserving.reserve(admin, said)
    assert isinstance(held, Reservation)
    for total in range(10, 111, 10):
        chunk = {"model": "gpt-4o", "provider": "openai", "total_tokens": total}
        await reserving.stream(admin, {"reservation_id": held.reservation_id, **chunk})


def test_listeners_are_told_of_each_threshold_and_hold_up_nobody(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NEO4J_URI", "COSTGRAPH_ADMIN_KEY", "COSTGRAPH_WORKERS"):
        monkeypatch.delenv(name, raising=False)
    settings = load_settings(data_dir=data_dir)
    failing, listener = Listener(RuntimeError("not today")), Listener()
    with (
        open_engine(data_dir, neo4j=None) as connection,
        open_services(settings, connection, hot=False) as running,
    ):
        running.listen(failing)
        running.listen(listener)
        ledger, admin = running.services.ledger, Principal("k", "default", Role.ADMIN)
        amount_nano = 10**9
        asyncio.run(
            ledger.submit(
                CreateBudget("default", None, "b", BudgetType.CUSTOM, None, amount_nano=amount_nano)
            )
        )
        for number in range(3):
            row = {
                "operation_id": f"op{number}",
                "agent_id": "a",
                "capability_type": "chat",
                "budget_id": "b",
                "provider_cost": "0.45",
            }
            asyncio.run(ledger.record(admin, row))
        eventually(lambda: len(listener.told) == 2)
        asyncio.run(_stream_past(running, admin))
        eventually(lambda: len(listener.told) == 4)
    assert [event.type for event in listener.told] == ["budget.warning", "budget.exceeded"] * 2
    assert {event.budget_uid for event in listener.told[2:]} == {"default/flow"}
    assert failing.told == listener.told
