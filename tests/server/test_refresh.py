"""Refreshing price sources: against a real server that fails in every way, on both engines."""

import threading
import time
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from graph.database import Database
from graph.price_sources import PriceSources
from ledger.errors import Conflict, InvalidInput, NotFound, Unavailable
from ledger.price_sources import ATTEMPTS_MAX, Attempt, HeldState, RefreshOutcome, StoredSource
from pricing.sources import PriceSource, SourceKind
from resolvers import Services
from resolvers.services import Refreshing
from server.outbound import Policy
from server.refresh import Refresher
from server.workers import refresh_worker
from tests.pricing.test_aws_offer import NOVA, OFFER, encoded
from tests.support.outside import Behaviour, Outside, outside, raw, saying, seconds_of, tagged
from tests.support.price_documents import MODEL, litellm_file, model, price_list
from tests.support.servers import eventually
from tests.support.services import Caller, admin_of, open_services, record, usage

PATH = "/prices.json"
DAY_US = 86_400 * 1_000_000


@pytest.fixture
def server() -> Generator[Outside]:
    with outside() as running:
        yield running


@pytest.fixture
def services(database: Database, tmp_path: Path) -> Generator[Services]:
    with open_services(database, files_dir=tmp_path) as opened:
        yield opened


@dataclass
class Shelf:
    """A tenant's sources, and what a million tokens cost there."""

    services: Services
    tenant: str
    server: Outside
    costs: int = 0
    said: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def refresher(self) -> Refreshing:
        return self.services.refresher

    @property
    def admin(self) -> Caller:
        return admin_of(self.services, self.tenant)

    def put(self, **fields: Any) -> StoredSource:
        """Set up the source ``acme``: on demand only, unless it is said otherwise."""
        said: dict[str, Any] = {
            "source_id": "acme",
            "kind": SourceKind.PRICE_LIST,
            "location": self.server.url + PATH,
            "every_seconds": None,
            "timeout_seconds": 1,
            **fields,
        }
        return self.refresher.put(self.tenant, "an-admin", PriceSource(**said))

    def refresh(self, answer: Behaviour | None = None) -> Attempt:
        """How a refresh goes, where the server answers so."""
        if answer is not None:
            self.server.answers[PATH] = answer
        return self.refresher.refresh(self.tenant, "acme").attempts[0]

    def cost(self, name: str = MODEL) -> str | None:
        """What a million tokens cost now."""
        self.costs += 1
        said = usage(
            f"op{self.costs}", provider="acme", modelId=name, promptTokens=1_000_000, completionTokens=0
        )
        (recorded,) = record(self.admin, said)
        return None if recorded["costEntry"] is None else recorded["costEntry"]["totalCost"]


@pytest.fixture
def shelf(services: Services, tenant: str, server: Outside) -> Shelf:
    return Shelf(services, tenant, server)


def test_a_refresh_prices_what_nobody_knew_and_says_so(shelf: Shelf) -> None:
    shelf.put()
    assert shelf.cost() is None
    attempt = shelf.refresh(tagged(price_list(), '"one"'))
    assert (attempt.outcome, attempt.accepted, attempt.held) == (RefreshOutcome.UPDATED, 1, 0)
    assert (attempt.version, attempt.etag) == ("v1", '"one"')
    assert shelf.cost() == "2"
    stored = shelf.services.price_sources.get(shelf.tenant, "acme")
    assert stored is not None
    assert (stored.failures, stored.good_at_us, stored.due_at_us) == (0, attempt.at_us, None)


def test_an_etag_is_sent_and_304_changes_nothing(shelf: Shelf) -> None:
    shelf.put()
    shelf.refresh(tagged(price_list(), '"one"'))
    attempt = shelf.refresh()
    assert (attempt.outcome, attempt.version, attempt.etag) == (RefreshOutcome.UNCHANGED, "v1", '"one"')
    assert [asked.headers.get("if-none-match") for asked in shelf.server.asked] == [None, '"one"']
    attempt = shelf.refresh(tagged(price_list(model("3")), '"two"'))
    assert (attempt.outcome, attempt.etag) == (RefreshOutcome.UPDATED, '"two"')
    assert shelf.cost() == "3"


def test_a_304_that_nobody_asked_for_is_a_failure(shelf: Shelf) -> None:
    shelf.put()
    assert shelf.refresh(saying(b"", "304 Not Modified")).code == "STATUS"


FAILURES: dict[str, tuple[Behaviour, str]] = {
    "server error": (saying(b"oops", "500 Internal Server Error"), "STATUS"),
    "gone": (saying(b"", "410 Gone"), "STATUS"),
    "redirect": (saying(b"", "302 Found", Location="https://elsewhere.example/"), "REDIRECT"),
    "no JSON": (saying(b"<html>maintenance</html>"), "DATA"),
    "half a body": (saying(price_list()[:80], length=len(price_list())), "ANSWER"),
    "half a document": (saying(price_list()[:80]), "DATA"),
    "nothing": (raw(b""), "ANSWER"),
    "too much": (saying(b"", length=10**11), "SIZE"),
    "packed": (saying(price_list(), Content_Encoding="gzip"), "ANSWER"),
    "wrong types": (saying(price_list(model([1]))), "DATA"),
    "another shape": (saying(b'{"prices": []}'), "DATA"),
    "not a number": (saying(price_list(model("NaN"))), "DATA"),
    "a negative price": (saying(price_list(model("-2"))), "DATA"),
    "an absurd price": (saying(price_list(model(name="sane"), model("1e30", name="absurd"))), "DATA"),
}


@pytest.mark.parametrize(("answer", "code"), FAILURES.values(), ids=FAILURES)
def test_a_failure_is_told_and_the_last_good_price_goes_on(
    shelf: Shelf, answer: Behaviour, code: str
) -> None:
    shelf.put(every_seconds=86_400)
    good = shelf.refresh(tagged(price_list(), '"one"'))
    failed = shelf.refresh(answer)
    assert (failed.outcome, failed.code) == (RefreshOutcome.FAILED, code)
    assert failed.message
    assert shelf.cost() == "2"
    stored = shelf.services.price_sources.get(shelf.tenant, "acme")
    assert stored is not None
    assert (stored.failures, stored.good_at_us, stored.etag) == (1, good.at_us, '"one"')
    assert stored.due_at_us == failed.at_us + 60 * 1_000_000
    assert shelf.refresh(tagged(price_list(), '"one"')).outcome is RefreshOutcome.UNCHANGED
    stored = shelf.services.price_sources.get(shelf.tenant, "acme")
    assert stored is not None
    assert stored.failures == 0
    assert stored.due_at_us == stored.attempts[0].at_us + DAY_US


def test_a_source_that_does_not_answer_is_given_up_in_time(shelf: Shelf) -> None:
    shelf.put()
    for answer in (shelf.server.silent(), shelf.server.dripping(b"H")):
        attempts: list[Attempt] = []
        seconds = seconds_of(lambda answer=answer, into=attempts: into.append(shelf.refresh(answer)))
        assert attempts[0].code == "TIMEOUT"
        assert seconds < 10
    shelf.put(location="http://127.0.0.1:1/")
    assert shelf.refresh().code == "UNREACHABLE"


def test_failures_in_a_row_are_tried_again_later_and_later(shelf: Shelf) -> None:
    shelf.put(every_seconds=200)
    waits: list[int] = []
    for _ in range(3):
        attempt = shelf.refresh(saying(b"", "500 Oops"))
        stored = shelf.services.price_sources.get(shelf.tenant, "acme")
        assert stored is not None
        assert stored.due_at_us is not None
        waits.append((stored.due_at_us - attempt.at_us) // 1_000_000)
    assert waits == [60, 120, 200]


def test_a_jump_waits_for_an_admin(shelf: Shelf) -> None:
    shelf.put()
    shelf.refresh(saying(price_list()))
    attempt = shelf.refresh(saying(price_list(model("200"), version="v2")))
    assert (attempt.held, attempt.kept, shelf.cost()) == (1, 1, "2")
    ((_, held),) = shelf.services.price_sources.held_page(shelf.tenant, HeldState.HELD, "acme", None, 9)
    assert (held.offered.key, held.version) == (f"acme/{MODEL}", "v2")
    (approved,) = shelf.refresher.decide(shelf.tenant, "me", [held.held_id], "looked", approve=True)
    assert (approved.state, approved.decided_by, approved.reason) == (HeldState.APPROVED, "me", "looked")
    assert shelf.cost() == "200"
    assert shelf.refresher.decide(shelf.tenant, "me", [held.held_id], None, approve=True) == [approved]
    with pytest.raises(Conflict, match="is APPROVED already"):
        shelf.refresher.decide(shelf.tenant, "me", [held.held_id], None, approve=False)
    with pytest.raises(NotFound):
        shelf.refresher.decide(shelf.tenant, "me", ["nobody"], None, approve=True)
    with pytest.raises(NotFound):
        shelf.refresher.decide(f"{shelf.tenant}x", "me", [held.held_id], None, approve=True)
    assert shelf.refresh(saying(price_list(model("200"), version="v3"))).accepted == 0


def test_what_is_rejected_stays_so_and_what_is_superseded_is_not_asked(shelf: Shelf) -> None:
    shelf.put()
    sources = shelf.services.price_sources

    def waiting(state: HeldState = HeldState.HELD) -> list[str]:
        return [held.held_id for _, held in sources.held_page(shelf.tenant, state, None, None, 9)]

    shelf.refresh(saying(price_list()))
    shelf.refresh(saying(price_list(model("200"))))
    (first,) = waiting()
    shelf.refresher.decide(shelf.tenant, "me", [first], None, approve=False)
    assert shelf.refresh(saying(price_list(model("200"), version="v3"))).held == 0
    shelf.refresh(saying(price_list(model("300"))))
    (second,) = waiting()
    shelf.refresh(saying(price_list(model("2.5"))))
    assert (waiting(), waiting(HeldState.SUPERSEDED), waiting(HeldState.REJECTED)) == ([], [second], [first])
    shelf.refresh(saying(price_list(model("300"), version="v5")))
    assert waiting() == [second]
    assert shelf.cost() == "2.5"
    shelf.refresher.remove(shelf.tenant, "me", "acme")
    assert (waiting(), waiting(HeldState.REJECTED)) == ([], [])
    assert shelf.cost() == "2.5"


def test_a_litellm_file_and_a_file_of_the_folder_are_read(shelf: Shelf, tmp_path: Path) -> None:
    shelf.put(kind=SourceKind.LITELLM)
    attempt = shelf.refresh(saying(litellm_file({"one": 1e-6, "bad": -1})))
    assert (attempt.accepted, attempt.left_out, shelf.cost("one")) == (1, 1, "1")
    shelf.put(location="file:acme.json")
    assert shelf.refresh().code == "FILE"
    (tmp_path / "acme.json").write_bytes(price_list())
    assert shelf.refresh().outcome is RefreshOutcome.UPDATED
    assert shelf.refresh().outcome is RefreshOutcome.UNCHANGED
    assert shelf.cost() == "2"


def test_aws_s_offer_prices_bedrock_under_every_name_of_it(shelf: Shelf) -> None:
    shelf.put(kind=SourceKind.AWS_BEDROCK, region="us-east-1", model_ids={"Nova Pro": NOVA})
    attempt = shelf.refresh(saying(encoded(OFFER)))
    assert (attempt.accepted, attempt.held, attempt.version) == (1, 0, "20261020000000")
    used = {"modelId": NOVA, "promptTokens": 1_000_000, "completionTokens": 0}
    for provider in ("aws", "bedrock"):
        for mode, cost in (("standard", "0.8"), ("batch", "0.4")):
            said = usage(f"{provider}-{mode}", provider=provider, mode=mode, **used)
            (recorded,) = record(shelf.admin, said)
            assert recorded["costEntry"]["totalCost"] == cost
    cards = shelf.admin.get("{ rateCards { nodes { provider model mode author } } }")["rateCards"]["nodes"]
    assert {(each["provider"], each["model"], each["author"]) for each in cards} == {
        ("aws", NOVA, "source:acme")
    }


def test_the_catalogue_is_pinned_for_a_provider(shelf: Shelf) -> None:
    shelf.put(kind=SourceKind.CATALOGUE, location="catalogue:", provider="anthropic")
    attempt = shelf.refresh()
    assert attempt.outcome is RefreshOutcome.UPDATED
    assert (attempt.accepted > 5, attempt.held) == (True, 0)
    assert shelf.refresh().outcome is RefreshOutcome.UNCHANGED
    said = usage("pinned", provider="anthropic", modelId="claude-sonnet-4-5", promptTokens=1_000_000)
    record(shelf.admin, said)
    shown = shelf.admin.get(
        '{ operation(operationId: "pinned") { costEntry { totalCost explanation { exact } } } }'
    )
    assert shown["operation"]["costEntry"]["explanation"]["exact"] is True


def test_a_source_is_set_up_with_care(database: Database, tenant: str, server: Outside) -> None:
    with open_services(database, policy=Policy()) as strict:
        shelf = Shelf(strict, tenant, server)
        for location in (server.url, "http://prices.example/", "https://10.0.0.1/", "https://u:p@a.example/"):
            with pytest.raises(InvalidInput) as caught:
                shelf.put(location=location)
            assert caught.value.field == "location"
        with pytest.raises(InvalidInput, match="no folder of price files"):
            shelf.put(location="file:acme.json")
        shelf.put(location="https://localhost/")
        assert shelf.refresh().code == "ADDRESS"
        with pytest.raises(NotFound):
            shelf.refresher.refresh(tenant, "nobody")


def test_one_at_a_time_refreshes_a_source(shelf: Shelf, database: Database) -> None:
    shelf.put()
    other = PriceSources(database)
    leased = other.lease(shelf.tenant, "acme")
    assert leased is not None
    with pytest.raises(Conflict, match="is being refreshed now"):
        shelf.refresh(saying(price_list()))
    attempt = Attempt(1, RefreshOutcome.FAILED, "TIMEOUT", "late")
    assert other.finish(leased, attempt, None) is not None
    assert other.finish(leased, attempt, None) is None
    assert shelf.refresh().outcome is not RefreshOutcome.FAILED


def test_a_source_that_is_set_up_anew_forgets_what_was_under_way(shelf: Shelf, database: Database) -> None:
    shelf.put()
    other = PriceSources(database)
    leased = other.lease(shelf.tenant, "acme")
    assert leased is not None
    shelf.put(location=f"{shelf.server.url}/new.json")
    attempt = Attempt(1, RefreshOutcome.UPDATED, etag='"old"', content_hash="old")
    assert other.finish(leased, attempt, []) is None
    stored = other.get(shelf.tenant, "acme")
    assert stored is not None
    assert (stored.etag, stored.content_hash, stored.attempts) == (None, None, ())


def test_only_the_last_refreshes_are_remembered(shelf: Shelf, database: Database) -> None:
    shelf.put()
    sources = PriceSources(database)
    for number in range(ATTEMPTS_MAX + 3):
        leased = sources.lease(shelf.tenant, "acme")
        assert leased is not None
        sources.finish(leased, Attempt(number, RefreshOutcome.FAILED, "STATUS", "500"), None)
    stored = sources.get(shelf.tenant, "acme")
    assert stored is not None
    assert (len(stored.attempts), stored.failures) == (ATTEMPTS_MAX, ATTEMPTS_MAX + 3)
    assert [each.at_us for each in stored.attempts[:2]] == [ATTEMPTS_MAX + 2, ATTEMPTS_MAX + 1]


def test_the_worker_reads_what_is_due_survives_defects_and_stops_at_once(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresher = shelf.refresher
    assert isinstance(refresher, Refresher)
    due = PriceSources.due
    defects = iter([RuntimeError("a defect")])

    def failing(sources: PriceSources, now_us: int) -> list[tuple[str, str]]:
        for defect in defects:
            raise defect
        return [each for each in due(sources, now_us) if each[0] == shelf.tenant]

    monkeypatch.setattr(PriceSources, "due", failing)
    monkeypatch.setattr("server.refresh.LOOK_SECONDS", 0.1)
    shelf.server.answers[PATH] = saying(price_list())
    shelf.put(every_seconds=60)
    worker = refresh_worker(refresher)
    worker.start()
    try:
        eventually(lambda: shelf.cost() == "2")
        shelf.server.answers[PATH] = shelf.server.silent()
        asked = len(shelf.server.asked)
        shelf.put(every_seconds=60, timeout_seconds=60)
        eventually(lambda: len(shelf.server.asked) > asked)
    finally:
        assert seconds_of(worker.stop) < 5
    assert not worker.alive
    # Given up, and so as due as before, for whoever comes next.
    stored = shelf.services.price_sources.get(shelf.tenant, "acme")
    assert stored is not None
    assert [each.outcome for each in stored.attempts] == [RefreshOutcome.UPDATED]
    assert stored.due_at_us is not None
    assert stored.due_at_us <= time.time_ns() // 1_000
    with pytest.raises(Unavailable):
        shelf.refresher.refresh(shelf.tenant, "acme")
    assert shelf.services.price_sources.lease(shelf.tenant, "acme") is not None


def test_two_processes_read_a_due_source_once(
    shelf: Shelf, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.server.answers[PATH] = lambda out, asked: (time.sleep(0.3), saying(price_list())(out, asked))[1]
    shelf.put(every_seconds=86_400)
    with open_services(database) as second:
        refreshers = (shelf.refresher, second.refresher)
        started = threading.Barrier(2)

        def once(refresher: Refreshing) -> None:
            started.wait()
            with suppress(Conflict):
                refresher.refresh(shelf.tenant, "acme")

        threads = [threading.Thread(target=once, args=(each,)) for each in refreshers]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert len(shelf.server.asked) == 1
    assert shelf.cost() == "2"


def test_the_health_of_all_sources_is_counted(shelf: Shelf) -> None:
    before = shelf.services.price_sources.health()
    shelf.put()
    shelf.refresh(saying(b"", "500 Oops"))
    failing = shelf.services.price_sources.health()
    assert failing == {**before, "sources": before["sources"] + 1, "failing": before["failing"] + 1}
    shelf.refresh(saying(price_list()))
    shelf.refresh(saying(price_list(model("200"))))
    waiting = shelf.services.price_sources.health()
    assert waiting == {**before, "sources": before["sources"] + 1, "waiting": before["waiting"] + 1}


def test_held_prices_come_in_pages(shelf: Shelf) -> None:
    shelf.put()
    names = [f"m{number}" for number in range(5)]
    shelf.refresh(saying(price_list(*(model(name=name) for name in names))))
    shelf.refresh(saying(price_list(*(model("200", name=name) for name in names))))
    sources = shelf.services.price_sources
    first = sources.held_page(shelf.tenant, HeldState.HELD, None, None, 3)
    rest = sources.held_page(shelf.tenant, HeldState.HELD, "acme", first[-1][0], 3)
    assert [held.offered.key for _, held in (*first, *rest)] == [f"acme/{name}" for name in names]
    assert sources.held_page(shelf.tenant, HeldState.HELD, "acm", None, 3) == []
    assert sources.held(shelf.tenant, [first[0][1].held_id, "nobody"]) == [first[0][1]]
