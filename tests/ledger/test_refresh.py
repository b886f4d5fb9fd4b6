"""What a document of a price source changes, decided without any I/O: taken, held, kept."""

from decimal import Decimal
from typing import Any

import pytest

from ledger.errors import Conflict
from ledger.price_commands import PutPriceFile, PutRateCard, WithdrawRateCard
from ledger.refresh import Plan, Speaker, approved, plan_refresh
from pricing.prices import FEED, Prices, Revision
from pricing.review import Verdict
from pricing.sources import PriceSource, SourceKind, read_source
from tests.support.desk import NOW_US
from tests.support.price_documents import MODEL, litellm_file, model, price_list
from tests.support.shop import LISTS, Shop, price
from tests.support.simulated_store import SimulatedStore

LIST = PriceSource("acme", SourceKind.PRICE_LIST, "https://acme.example/prices.json")
FILE = PriceSource("litellm", SourceKind.LITELLM, "https://acme.example/litellm.json")
ACME = {"provider": "acme", "model_id": MODEL}


class Market(Shop):
    """A shop whose prices come from a source."""

    def __init__(self, store: Any, source: PriceSource = LIST) -> None:
        super().__init__(store)
        self.source = source

    @property
    def prices(self) -> Prices:
        """What is said by now."""
        prices = Prices(LISTS)
        with self.store.transaction() as transaction:
            transaction.prices(self.tenant, -1, prices)
        return prices

    def plan(self, content: bytes, rejected: frozenset[str] = frozenset()) -> Plan:
        """What a document would change."""
        reading = read_source(self.source, content)
        return plan_refresh(self.tenant, self.source, reading, self.prices, rejected, NOW_US)

    def take(self, content: bytes) -> Plan:
        """The same, and have the ledger told."""
        plan = self.plan(content)
        self.do(*plan.commands)
        return plan

    def approve(self, plan: Plan) -> None:
        """Take what is held, too."""
        speaker = Speaker(self.tenant, "an-admin", "looked at")
        self.do(*approved(speaker, [each.offered for each in plan.held], self.prices))

    def cost(self, operation_id: str, **fields: Any) -> int:
        """What a million tokens cost now."""
        return self.spend(operation_id, **{**ACME, **fields}).total_cost_nano


@pytest.fixture
def market() -> Market:
    return Market(SimulatedStore())


def figures(plan: Plan) -> tuple[int, int, int, int]:
    return len(plan.commands), plan.accepted, len(plan.held), plan.kept


def test_a_new_price_is_a_card_with_its_author_and_reason(market: Market) -> None:
    plan = market.take(price_list(version="2026-11-25"))
    assert figures(plan) == (1, 1, 0, 0)
    assert market.cost("op") == 2_000_000_000
    (revision,) = market.prices.current()
    assert (revision.card.source, revision.card.author) == (FEED, "source:acme")
    assert revision.reason is not None
    assert revision.reason.startswith("refresh of acme: version 2026-11-25, SHA-256 ")


def test_the_same_document_again_changes_nothing(market: Market) -> None:
    market.take(price_list())
    assert figures(market.plan(price_list(version="v2"))) == (0, 0, 0, 0)


def test_a_change_within_the_factor_is_the_next_version_of_the_card(market: Market) -> None:
    market.take(price_list())
    assert figures(market.take(price_list(model("5")))) == (1, 1, 0, 0)
    assert market.cost("op") == 5_000_000_000
    (revision,) = market.prices.current()
    assert revision.number == 2


def test_a_price_from_another_day_on_is_a_card_of_its_own(market: Market) -> None:
    market.take(price_list())
    market.take(price_list(model(), model("3", valid_from="2026-11-01")))
    assert market.cost("before", timestamp="2026-10-31T23:59:59Z") == 2_000_000_000
    assert market.cost("after", timestamp="2026-11-01T00:00:00Z") == 3_000_000_000


@pytest.mark.parametrize(
    ("amount", "verdict"),
    [("6.1", Verdict.ROSE), ("0.6", Verdict.FELL), ("0", Verdict.BECAME_FREE), ("2000", Verdict.ROSE)],
)
def test_a_jump_waits_and_the_last_good_price_goes_on(market: Market, amount: str, verdict: Verdict) -> None:
    market.take(price_list(model(), model(name="other")))
    plan = market.take(price_list(model(amount), model("3", name="other")))
    assert figures(plan) == (1, 1, 1, 1)
    assert {jump.verdict for jump in plan.held[0].jumps} == {verdict}
    assert market.cost("held") == 2_000_000_000
    assert market.cost("other", model_id="other") == 3_000_000_000
    market.approve(plan)
    assert market.cost("approved") == int(Decimal(amount) * 10**9)
    assert figures(market.plan(price_list(model(amount), model("3", name="other")))) == (0, 0, 0, 0)


def test_a_jump_that_is_announced_or_backdated_waits_too(market: Market) -> None:
    market.take(price_list())
    for day in ("2030-01-01", "2026-03-01"):
        assert figures(market.plan(price_list(model(), model("200", valid_from=day)))) == (0, 0, 1, 1)
    then_normal = (model("200", valid_from="2027-01-01"), model("2", valid_from="2028-01-01"))
    assert len(market.plan(price_list(model(), *then_normal)).held) == 1


def test_what_was_rejected_is_not_asked_again(market: Market) -> None:
    market.take(price_list())
    (held,) = market.plan(price_list(model("200"))).held
    rejected = frozenset({held.offered.fingerprint})
    assert figures(market.plan(price_list(model("200")), rejected)) == (0, 0, 0, 1)
    assert len(market.plan(price_list(model("201")), rejected).held) == 1


def test_the_first_price_is_compared_with_the_catalogue(market: Market) -> None:
    per_token = [{"unit": "uncached", "price": "2.5"}]
    content = price_list(model(name="gpt-4o", lines=per_token), provider="openai")
    plan = market.take(content)
    assert figures(plan) == (0, 0, 1, 1)
    assert market.spend("op").price_source == "catalogue"


def test_a_model_that_vanishes_keeps_its_price(market: Market) -> None:
    market.take(price_list(model(), model(name="other")))
    assert figures(market.take(price_list(model(name="other")))) == (0, 0, 0, 1)
    assert market.cost("op") == 2_000_000_000


def test_what_people_say_goes_before_a_source(market: Market) -> None:
    market.take(price_list(model(valid_from="2026-11-01")))
    market.say("ours", price("uncached", "1"), provider="acme", model=MODEL)
    assert market.cost("op") == 1_000_000_000


def test_a_card_that_people_withdrew_stays_so_until_its_price_is_another(market: Market) -> None:
    market.take(price_list())
    (revision,) = market.prices.current()
    market.do(WithdrawRateCard(market.tenant, None, "a-key", revision.card.card_id))
    assert figures(market.take(price_list(version="v2"))) == (0, 0, 0, 0)
    assert list(market.prices.current()) == []
    market.take(price_list(model("3")))
    assert market.cost("op") == 3_000_000_000


def test_people_and_sources_do_not_write_each_other_s_cards(market: Market) -> None:
    market.take(price_list())
    (revision,) = market.prices.current()
    card_id = revision.card.card_id
    answer = market.say(card_id, price("uncached", "9"), revise=True, provider="acme", model=MODEL)
    assert isinstance(answer, Conflict)
    assert isinstance(market.say("ours", price("uncached", "1"), model=MODEL), Revision)
    (ours,) = [each.card for each in market.prices.current() if each.card.card_id == "ours"]
    (other,) = market.do(PutRateCard(market.tenant, None, "source:x", ours, revise=True, listed=True))
    assert isinstance(other, Conflict)


def test_a_litellm_file_is_taken_model_by_model() -> None:
    market = Market(SimulatedStore(), FILE)
    first = litellm_file({"one": 1e-6, "two": 1e-6, "three": 1e-6})
    plan = market.take(first)
    assert figures(plan) == (1, 3, 0, 0)
    assert isinstance(plan.commands[0], PutPriceFile)
    assert plan.commands[0].content == first
    assert figures(market.plan(first)) == (0, 0, 0, 0)
    # One jumps, one changes, one is broken, one is new.
    second = litellm_file({"one": 1e-3, "two": 2e-6, "three": "free", "four": 1e-6})
    plan = market.take(second)
    assert (plan.accepted, [each.offered.key for each in plan.held], plan.kept) == (2, ["one"], 2)

    def costs(suffix: str) -> list[int]:
        names = ("one", "two", "three", "four")
        return [market.cost(f"{name}-{suffix}", model_id=name) for name in names]

    assert costs("held") == [10**9, 2 * 10**9, 10**9, 10**9]
    market.approve(plan)
    assert costs("approved") == [10**12, 2 * 10**9, 10**9, 10**9]
    file = market.prices.files[-1]
    assert (file.number, file.author, file.reason) == (3, "an-admin", "looked at")
