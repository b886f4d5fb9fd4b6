"""AWS's price list for Bedrock, on an excerpt that we wrote in the format of its offer files.

Its structure (products, terms, price dimensions, units, ranges) is that of the published files; the skus and
the prices are examples.
"""

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from pricing.aws_offer import OFFER_CODE, read_offer, regions_of
from pricing.book import Book
from pricing.calendar import from_datetime
from pricing.errors import InvalidPriceData
from pricing.modes import Mode
from pricing.quote import Pricer, PricingRequest, Quote, Reason
from pricing.units import TokenCounts

NOW_US = from_datetime(datetime(2026, 11, 22, 9, tzinfo=UTC))
NOVA, CLAUDE = "amazon.nova-pro-v1:0", "anthropic.claude-sonnet-*"


def product(
    sku: str, region: str, model: str, kind: str, feature: str = "On-demand Inference"
) -> dict[str, Any]:
    return {
        "sku": sku,
        "productFamily": "Amazon Bedrock",
        "attributes": {
            "servicecode": "AmazonBedrock",
            "locationType": "AWS Region",
            "regionCode": region,
            "model": model,
            "inferenceType": kind,
            "feature": feature,
            "usagetype": f"{region}-{model.replace(' ', '')}-{kind.replace(' ', '-')}",
        },
    }


def term(sku: str, unit: str, *prices: str, date: str = "2026-10-01T00:00:00Z") -> dict[str, Any]:
    edges = [str(1000 * n) for n in range(len(prices))]
    return {
        f"{sku}.JRTCKXETXF{date}": {
            "offerTermCode": "JRTCKXETXF",
            "sku": sku,
            "effectiveDate": date,
            "priceDimensions": {
                f"{sku}.{n}": {
                    "beginRange": edges[n],
                    "endRange": edges[n + 1] if n + 1 < len(prices) else "Inf",
                    "unit": unit,
                    "pricePerUnit": {"USD": price},
                    "appliesTo": [],
                }
                for n, price in enumerate(prices)
            },
            "termAttributes": {},
        }
    }


OFFER: dict[str, Any] = {
    "formatVersion": "v1.0",
    "offerCode": OFFER_CODE,
    "version": "20261020000000",
    "publicationDate": "2026-10-20T00:00:00Z",
    "products": {
        "A": product("A", "us-east-1", "Nova Pro", "Input tokens"),
        "B": product("B", "us-east-1", "Nova Pro", "Output tokens"),
        "C": product("C", "us-east-1", "Nova Pro", "Prompt cache read input tokens"),
        "D": product("D", "us-east-1", "Nova Pro", "Input tokens batch", "Batch Inference"),
        "E": product("E", "us-east-1", "Nova Pro", "Output tokens batch", "Batch Inference"),
        "F": product("F", "eu-central-1", "Nova Pro", "Input tokens"),
        "G": product("G", "us-east-1", "Claude Sonnet", "Input tokens"),
        "H": product("H", "us-east-1", "Nova Pro", "Provisioned throughput", "Provisioned Throughput"),
        "I": product("I", "us-east-1", "Somebody's", "Input tokens"),
    },
    "terms": {
        "OnDemand": {
            "A": term("A", "1K tokens", "0.0008000000"),
            "B": term("B", "1K tokens", "0.0032000000"),
            "C": term("C", "1K tokens", "0.0002000000"),
            "D": term("D", "1K tokens", "0.0004000000"),
            "E": term("E", "1K tokens", "0.0016000000"),
            "F": term("F", "1K tokens", "0.0010000000"),
            "G": {**term("G", "1M Tokens", "4", date="2026-01-01T00:00:00Z"), **term("G", "1M Tokens", "3")},
            "H": term("H", "Hours", "36.0000000000"),
            "I": term("I", "1K tokens", "0.1"),
        }
    },
}
IDS = {"Nova Pro": NOVA, "Claude Sonnet": CLAUDE}


def encoded(offer: object) -> bytes:
    return json.dumps(offer).encode()


def quote(
    counts: TokenCounts, model: str = NOVA, region: str = "us-east-1", mode: Mode = Mode.STANDARD
) -> Quote:
    book = Book(read_offer(encoded(OFFER), region, IDS).cards)
    return Pricer([book]).quote(PricingRequest(NOW_US, "aws", model, counts, mode=mode))


def test_a_region_s_prices_are_read_in_their_units() -> None:
    answer = quote(TokenCounts(uncached=1000, cache_read=1000, completion=500))
    assert (answer.prompt_nano, answer.completion_nano) == (1_000_000, 1_600_000)
    assert (answer.price_source, answer.price_date) == ("aws_offer", "2026-10-01")
    assert answer.catalogue_version == "20261020000000"
    assert quote(TokenCounts(uncached=1000), region="eu-central-1").total_nano == 1_000_000
    assert quote(TokenCounts(uncached=1000), "anthropic.claude-sonnet-4-v1:0").total_nano == 3_000_000


def test_batches_have_their_own_prices() -> None:
    answer = quote(TokenCounts(uncached=1000, completion=500), mode=Mode.BATCH)
    assert answer.total_nano == 400_000 + 800_000
    assert quote(TokenCounts(uncached=1), mode=Mode.FLEX).reason is Reason.MODE_NOT_PRICED


def test_what_is_left_out_is_told() -> None:
    offer = read_offer(encoded(OFFER), "us-east-1", IDS)
    assert offer.unknown_models == {"Somebody's"}
    assert offer.left_out == 1
    assert regions_of(encoded(OFFER)) == ["eu-central-1", "us-east-1"]
    assert read_offer(encoded(OFFER), "mars-1", IDS).cards == ()


def test_ranges_are_steps() -> None:
    offer = copy.deepcopy(OFFER)
    offer["terms"]["OnDemand"]["A"] = term("A", "1K tokens", "0.002", "0.001")
    cards = read_offer(encoded(offer), "us-east-1", IDS).cards
    answer = Pricer([Book(cards)]).quote(PricingRequest(NOW_US, "aws", NOVA, TokenCounts(uncached=1_500_000)))
    assert answer.total_nano == 2_000_000_000 + 500_000_000


def changed(path: tuple[str, ...], value: object) -> bytes:
    offer = copy.deepcopy(OFFER)
    inner = offer
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return encoded(offer)


PRICE = ("terms", "OnDemand", "A", "A.JRTCKXETXF2026-10-01T00:00:00Z")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not JSON"),
        (encoded(OFFER)[:500], "is not JSON"),
        (b"[]", "list where an object must be"),
        (b"{}", "is of None, not of AmazonBedrock"),
        (changed(("offerCode",), "AmazonEC2"), "is of 'AmazonEC2'"),
        (changed(("products",), {}), "has no products"),
        (changed(("products", "A"), 5), "int where an object must be"),
        (changed((*PRICE, "priceDimensions", "A.0", "pricePerUnit"), {"CNY": "1"}), "A has no price in USD"),
        (
            changed((*PRICE, "priceDimensions", "A.0", "pricePerUnit"), {"USD": "cheap"}),
            "not a decimal number",
        ),
        (
            changed((*PRICE, "priceDimensions", "A.0", "pricePerUnit"), {"USD": "-1"}),
            "A: the price of uncached",
        ),
        (changed((*PRICE, "effectiveDate"), "yesterday"), "'yesterday' is no instant"),
    ],
)
def test_what_is_no_offer_is_an_error_that_says_why(content: bytes, message: str) -> None:
    with pytest.raises(InvalidPriceData, match=message):
        read_offer(content, "us-east-1", IDS)
