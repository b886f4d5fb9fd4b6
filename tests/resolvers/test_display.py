"""Amounts in a display currency: by a dated rate, exact and as they are paid."""

from typing import Any

import pytest

from ledger.access import Role
from resolvers import Services
from tests.support.services import Caller, admin_of, budget

SHOWN = """query($amounts: [Decimal!]!, $from: String! = "USD", $to: String!, $at: DateTime) {
  displayedAmounts(amounts: $amounts, currency: $from, displayCurrency: $to, at: $at) {
    currency minorDigits rate rateDate rateSource amounts { exact paid }
  }
}"""
RATES = "mutation($csv: String!) { addExchangeRates(input: {ecbCsv: $csv}) { new } }"
ECB = "Date,USD,JPY,KWD\n2026-11-20,1.25,200,0.375\n2026-11-19,1.6,200,0.375\n"
FRIDAY, THURSDAY = "2026-11-20T12:00:00Z", "2026-11-19T12:00:00Z"


@pytest.fixture
def world(admin: Caller) -> Caller:
    admin.get(RATES, csv=ECB)
    return admin


def shown(caller: Caller, *amounts: str, **said: Any) -> dict[str, Any]:
    found: dict[str, Any] = caller.get(SHOWN, amounts=list(amounts), **{"at": FRIDAY, **said})[
        "displayedAmounts"
    ]
    return found


@pytest.mark.parametrize(
    ("currency", "digits", "rate", "exact", "paid"),
    [
        ("JPY", 0, "160", "1.6", "2"),
        ("KWD", 3, "0.3", "0.003", "0.003"),
        ("EUR", 2, "0.8", "0.008", "0.01"),
        ("USD", 2, "1", "0.01", "0.01"),
    ],
)
def test_yen_are_whole_and_dinars_have_fils(
    world: Caller, currency: str, digits: int, rate: str, exact: str, paid: str
) -> None:
    found = shown(world, "0.01", "-0.01", "0", to=currency)
    assert (found["currency"], found["minorDigits"], found["rate"]) == (currency, digits, rate)
    assert found["amounts"] == [
        {"exact": exact, "paid": paid},
        {"exact": f"-{exact}", "paid": f"-{paid}"},
        {"exact": "0", "paid": "0"},
    ]


def test_the_rate_is_that_of_the_day_asked_for(world: Caller) -> None:
    today, before = (shown(world, "1", to="EUR", at=at) for at in (FRIDAY, THURSDAY))
    assert (today["rateDate"], today["rateSource"], today["amounts"][0]["exact"]) == (
        "2026-11-20",
        "ecb",
        "0.8",
    )
    assert (before["rateDate"], before["amounts"][0]["exact"]) == ("2026-11-19", "0.625")


def test_what_cannot_be_shown_is_refused_and_not_guessed(world: Caller) -> None:
    for said, field in (
        ({"to": "CHF"}, "currency"),
        ({"to": "EUR", "at": "2026-12-24T12:00:00Z"}, "currency"),
        ({"to": "euro"}, "displayCurrency"),
        ({"from": "$", "to": "EUR"}, "currency"),
        ({"to": "EUR", "at": "noon"}, "at"),
        ({"to": "EUR", "amounts": ["1"] * 1001}, "amounts"),
        ({"to": "EUR", "amounts": ["much"]}, "amounts"),
    ):
        answer = world.ask(SHOWN, **{"amounts": ["1"], "at": FRIDAY, **said})
        assert (answer.code, answer.field) == ("INVALID", field), said
    too_much = world.ask(SHOWN, amounts=["9000000000"], to="JPY", at=FRIDAY)
    assert too_much.code == "AMOUNT_OUT_OF_RANGE"


def test_readers_see_it_and_other_organisations_have_rates_of_their_own(
    world: Caller, services: Services, tenant: str
) -> None:
    budget(world, "web")
    assert shown(world.confined("web", Role.VIEWER), "1", to="EUR")["rate"] == "0.8"
    stranger = admin_of(services, f"{tenant}-other")
    assert stranger.ask(SHOWN, amounts=["1"], to="EUR", at=FRIDAY).code == "INVALID"
