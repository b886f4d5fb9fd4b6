"""Exchange rates that come by themselves: from a real server that also fails, on both engines."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from graph.database import Database
from ledger.price_sources import HeldState, RefreshOutcome
from pricing.sources import SourceKind
from resolvers import Services
from tests.server.test_refresh import Shelf
from tests.support.outside import Behaviour, outside, raw, saying, tagged
from tests.support.rate_tables import table, zipped
from tests.support.services import budget, open_services, record, usage

FRIDAY = zipped(table("20 November 2026, 1.25, 160"))
RATES = "{ exchangeRates { nodes { base quote rate date source author } } }"
AT = "2026-11-20T12:00:00Z"


@pytest.fixture
def services(database: Database, tmp_path: Path) -> Generator[Services]:
    with open_services(database, files_dir=tmp_path) as opened:
        yield opened


@pytest.fixture
def shelf(services: Services, tenant: str) -> Generator[Shelf]:
    with outside() as server:
        made = Shelf(services, tenant, server)
        made.put(kind=SourceKind.ECB)
        budget(made.admin, "euros", currency="EUR")
        yield made


def spent(shelf: Shelf, operation_id: str) -> Any:
    """What a dollar costs in euros."""
    said = usage(operation_id, budgetId="euros", providerCost="1", timestamp=AT)
    (recorded,) = record(shelf.admin, said)
    return None if recorded["costEntry"] is None else recorded["costEntry"]["totalCost"]


def test_a_refresh_converts_what_nobody_could_convert(shelf: Shelf) -> None:
    assert spent(shelf, "before") is None
    attempt = shelf.refresh(tagged(FRIDAY, '"one"'))
    assert (attempt.outcome, attempt.accepted, attempt.etag) == (RefreshOutcome.UPDATED, 2, '"one"')
    assert shelf.server.asked[-1].headers["accept"] == "text/csv, application/zip"
    assert spent(shelf, "after") == "0.8"
    assert shelf.refresh().outcome is RefreshOutcome.UNCHANGED
    assert shelf.server.asked[-1].headers["if-none-match"] == '"one"'
    shown = shelf.admin.get(RATES)["exchangeRates"]["nodes"]
    assert {(each["quote"], each["rate"], each["source"], each["author"]) for each in shown} == {
        ("USD", "1.25", "acme", "source:acme"),
        ("JPY", "160", "acme", "source:acme"),
    }


FAILURES: dict[str, tuple[Behaviour, str]] = {
    "server error": (saying(b"oops", "500 Internal Server Error"), "STATUS"),
    "no table": (saying(b"<html>maintenance</html>"), "DATA"),
    "half a body": (saying(FRIDAY[:80], length=len(FRIDAY)), "ANSWER"),
    "half a zip": (saying(FRIDAY[:80]), "DATA"),
    "nothing": (raw(b""), "ANSWER"),
    "an absurd rate": (saying(table("2026-11-23, 1000000000000, 161")), "DATA"),
    "a negative rate": (saying(table("2026-11-23, -1, 161")), "DATA"),
}


@pytest.mark.parametrize(("answer", "code"), FAILURES.values(), ids=FAILURES)
def test_a_failure_is_told_and_the_last_good_rates_go_on(shelf: Shelf, answer: Behaviour, code: str) -> None:
    shelf.refresh(saying(FRIDAY))
    failed = shelf.refresh(answer)
    assert (failed.outcome, failed.code) == (RefreshOutcome.FAILED, code)
    assert failed.message
    assert spent(shelf, "op") == "0.8"
    assert len(shelf.admin.get(RATES)["exchangeRates"]["nodes"]) == 2


def test_a_rate_that_jumps_waits_for_an_admin(shelf: Shelf) -> None:
    shelf.refresh(saying(table("2026-11-19, 1.25, 160")))
    attempt = shelf.refresh(saying(table("2026-11-20, 125, 160")))
    assert (attempt.accepted, attempt.held, spent(shelf, "held")) == (1, 1, "0.8")
    ((_, held),) = shelf.services.price_sources.held_page(shelf.tenant, HeldState.HELD, "acme", None, 9)
    assert held.offered.key == "EUR/USD 2026-11-20"
    (approved,) = shelf.refresher.decide(shelf.tenant, "me", [held.held_id], None, approve=True)
    assert (approved.state, approved.offered) == (HeldState.APPROVED, held.offered)
    assert spent(shelf, "approved") == "0.008"
    log = "{ auditLog(first: 2) { nodes { action author subject after } } }"
    decided, given = shelf.admin.get(log)["auditLog"]["nodes"]
    assert (decided["action"], decided["author"], decided["subject"]) == (
        "held_price.approve",
        "me",
        held.held_id,
    )
    assert decided["after"]["jumps"] == [
        {"unit": "EUR", "before_per_million": "1250000", "after_per_million": "125000000"}
    ]
    assert (given["action"], given["author"]) == ("exchange_rates.add", "me")
