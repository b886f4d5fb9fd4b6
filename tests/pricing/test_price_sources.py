"""Price sources as they are set up, and the catalogue as one of them."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.book import Book, Sources
from pricing.catalogue import load_catalogue
from pricing.errors import InvalidPriceData, InvalidPriceSource
from pricing.modes import Mode
from pricing.pinned import read_catalogue
from pricing.prices import FEED
from pricing.quote import Pricer, PricingRequest
from pricing.sources import PriceSource, SourceKind, read_source
from pricing.units import TokenCounts
from tests.pricing.test_aws_offer import IDS, OFFER, encoded
from tests.support.desk import us
from tests.support.price_documents import MODEL, litellm_file, model, price_list

NOW_US = us("2026-11-25T00:00")
LIST: dict[str, Any] = {
    "source_id": "acme",
    "kind": SourceKind.PRICE_LIST,
    "location": "https://acme.example/prices.json",
}
CATALOGUE: dict[str, Any] = {"source_id": "openai", "kind": SourceKind.CATALOGUE, "location": "catalogue:"}


def source(**fields: Any) -> PriceSource:
    return PriceSource(**{**LIST, **fields})


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"source_id": ""}, "source_id"),
        ({"source_id": "a/b"}, "source_id"),
        ({"source_id": "a" * 65}, "source_id"),
        ({"location": "prices.json"}, "location"),
        ({"location": "file:../secret"}, "location"),
        ({"location": "file:/etc/passwd"}, "location"),
        ({"location": "file:.hidden"}, "location"),
        ({"location": "file:"}, "location"),
        ({"location": "https://a.example/" + "a" * 3_000}, "location"),
        ({"kind": SourceKind.CATALOGUE}, "location"),
        ({"kind": SourceKind.CATALOGUE, "location": "catalogue:"}, "provider"),
        ({"kind": SourceKind.AWS_BEDROCK}, "region"),
        ({"kind": SourceKind.AWS_BEDROCK, "region": "us-east-1"}, "model_ids"),
        ({"kind": SourceKind.AWS_BEDROCK, "region": "us-east-1", "model_ids": {"a" * 200: "b"}}, "model_ids"),
        ({"every_seconds": 59}, "every_seconds"),
        ({"every_seconds": 10**9}, "every_seconds"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"timeout_seconds": 61}, "timeout_seconds"),
        ({"jump_factor": Decimal(1)}, "jump_factor"),
        ({"jump_factor": Decimal(5000)}, "jump_factor"),
    ],
)
def test_a_source_that_cannot_be_names_the_field(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidPriceSource) as caught:
        source(**fields)
    assert caught.value.field == field


def test_equal_prices_are_equal_whatever_document_they_come_in() -> None:
    (one,) = read_source(source(), price_list(version="v1")).offers.values()
    (other,) = read_source(source(), price_list(version="v2", provider="ACME")).offers.values()
    assert one.fingerprint == other.fingerprint
    assert {card.source for card in one.cards} == {FEED}
    assert [card.card_id for card in one.cards] == [f"acme/acme/{MODEL}/standard/{us('2026-01-01T00:00')}"]
    (changed,) = read_source(source(), price_list(model("3"))).offers.values()
    assert changed.fingerprint != one.fingerprint


@pytest.mark.parametrize("price", ["1001", "1e30"])
def test_an_absurd_price_refuses_the_document(price: str) -> None:
    lines = [{"unit": "uncached", "price": price}]
    with pytest.raises(InvalidPriceData, match="more than there can be"):
        read_source(source(), price_list(model(), model(name="other", lines=lines)))


def test_a_list_of_another_provider_is_refused() -> None:
    with pytest.raises(InvalidPriceData, match="is of acme, not of openai"):
        read_source(source(provider="openai"), price_list())


def test_aws_prices_of_a_region_are_offered_by_model() -> None:
    aws = source(kind=SourceKind.AWS_BEDROCK, region="us-east-1", model_ids=IDS)
    reading = read_source(aws, encoded(OFFER))
    assert sorted(reading.offers) == [f"aws/{each}" for each in sorted(IDS.values())]
    assert (reading.version, reading.left_out) == ("20261020000000", 2)
    with pytest.raises(InvalidPriceData, match="no price of these models in mars-1"):
        read_source(source(kind=SourceKind.AWS_BEDROCK, region="mars-1", model_ids=IDS), encoded(OFFER))


def test_litellm_s_rows_are_offered_as_they_are() -> None:
    content = litellm_file({"good": 1e-6, "bad": -1, "wrong": "1e-6", "absurd": 5_000})
    reading = read_source(source(kind=SourceKind.LITELLM), content)
    assert list(reading.offers) == ["good"]
    assert reading.left_out == 3
    assert '"input_cost_per_token":0.000001' in reading.offers["good"].row


def test_an_unknown_provider_is_not_in_the_catalogue() -> None:
    with pytest.raises(InvalidPriceData, match="no prices of 'nobody'"):
        read_catalogue(PriceSource(**CATALOGUE, provider="nobody"), load_catalogue())


FEEDS = {
    provider: Pricer(
        [
            Book(
                card
                for offered in read_catalogue(
                    PriceSource(**CATALOGUE, provider=provider), load_catalogue()
                ).offers.values()
                for card in offered.cards
            )
        ]
    )
    for provider in ("openai", "anthropic")
}
KEYS = {
    provider: [name for name, dates_us in load_catalogue().dated_models(provider) if dates_us]
    for provider in FEEDS
}


@given(data=st.data(), provider=st.sampled_from(sorted(FEEDS)), mode=st.sampled_from(Mode))
def test_the_pinned_catalogue_costs_what_the_catalogue_does(
    data: st.DataObject, provider: str, mode: Mode
) -> None:
    name = data.draw(st.sampled_from(KEYS[provider]))
    at_us = data.draw(st.integers(us("2023-01-01T00:00"), NOW_US))
    used = st.integers(0, 400_000)
    units = ("uncached", "cache_read", "cache_write_5m", "completion", "reasoning")
    counts = TokenCounts(**{unit: data.draw(used) for unit in units})
    request = PricingRequest(at_us, provider, name, counts, mode=mode)
    listed, pinned = Pricer([load_catalogue()]).quote(request), FEEDS[provider].quote(request)
    assert (pinned.pricing, pinned.total_nano, pinned.currency) == (
        listed.pricing,
        listed.total_nano,
        listed.currency,
    )


def test_a_feed_prices_a_model_under_all_its_names() -> None:
    (offered,) = read_source(
        source(), price_list(model("7", name="gpt-4o"), provider="openai")
    ).offers.values()
    feed = Book(offered.cards, names=Sources([load_catalogue()]))
    for name in ("gpt-4o", "gpt-4o-2024-08-06"):
        quote = Pricer([feed]).quote(PricingRequest(NOW_US, "openai", name, TokenCounts(uncached=10)))
        assert (quote.total_nano, quote.price_source, quote.list_nano) == (70_000, FEED, None)
