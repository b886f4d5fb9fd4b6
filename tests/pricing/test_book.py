"""The chain of prices: contract, organisation, catalogue, imported file, unpriced; each dated."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.book import Book, PriceBook, Sources
from pricing.calendar import HOUR_US, from_datetime
from pricing.cards import EVERY, MILLION, UNREPORTED, Hours, RateCard, RateLine
from pricing.catalogue import load_catalogue
from pricing.errors import InvalidCurrency, InvalidRate
from pricing.modes import Mode
from pricing.quote import MonthToDate, Pricer, Pricing, PricingRequest, Quote, Reason
from pricing.rates import REQUEST
from pricing.steps import Basis, Semantics
from pricing.units import COUNT_NAMES, TokenCounts

CATALOGUE = load_catalogue()
NOW_US = from_datetime(datetime(2026, 11, 22, 9, tzinfo=UTC))
USED = TokenCounts(uncached=1000, completion=500)
LIST_NANO = 7_500_000  # gpt-4o: 2.50 and 10 USD per million


def per_million(unit: str, price: str) -> RateLine:
    return RateLine(unit, Decimal(price), MILLION)


def contract(model: str = "gpt-4o", *lines: RateLine, provider: str | None = "openai") -> RateCard:
    given = lines or (per_million("uncached", "2"), per_million("completion", "8"))
    return RateCard("c1", provider, model, given, "contract")


def quote(
    pricer: Pricer,
    counts: TokenCounts = USED,
    model: str = "gpt-4o",
    provider: str | None = "openai",
    at_us: int = NOW_US,
    mode: Mode = Mode.STANDARD,
    month: MonthToDate | None = None,
) -> Quote:
    return pricer.quote(PricingRequest(at_us, provider, model, counts, mode=mode, month=month))


def over(*cards: RateCard) -> Pricer:
    return Pricer([Book(cards, CATALOGUE)])


def test_a_contract_wins_over_the_list_which_stays_beside_it() -> None:
    answer = quote(over(contract()))
    assert (answer.prompt_nano, answer.completion_nano) == (2_000_000, 4_000_000)
    assert (answer.total_nano, answer.list_nano) == (6_000_000, LIST_NANO)
    assert (answer.price_source, answer.price_card) == ("contract", "c1")


def test_without_a_contract_nothing_differs() -> None:
    assert quote(over(contract("gpt-4.1"))) == quote(Pricer([CATALOGUE]))


def test_the_source_s_table_is_a_contract_like_any_other() -> None:
    table = [
        ("openai", "gpt-4", "10", "30"),
        ("openai", "gpt-4-turbo", "1", "3"),
        ("anthropic", "claude-3-5-sonnet", "3", "15"),
        ("anthropic", "claude-3-haiku", "0.25", "1.25"),
    ]
    cards = [
        RateCard(
            f"000:{model}",
            provider,
            model,
            (per_million("uncached", i), per_million("completion", o)),
            "contract",
        )
        for provider, model, i, o in table
    ]
    pricer = over(*cards)
    million = TokenCounts(uncached=MILLION, completion=MILLION)
    costs = {model: quote(pricer, million, model, provider).total_nano for provider, model, _, _ in table}
    assert costs == {
        "gpt-4": 40 * 10**9,
        "gpt-4-turbo": 4 * 10**9,
        "claude-3-5-sonnet": 18 * 10**9,
        "claude-3-haiku": 1_500_000_000,
    }
    assert quote(pricer, million, "gpt-4").list_nano == 90 * 10**9


def test_units_that_a_contract_does_not_name_keep_their_list_price() -> None:
    pricer = over(contract("gpt-4o", per_million("completion", "8")))
    assert quote(pricer, TokenCounts(uncached=1000, cache_read=1000)).total_nano == 2_500_000 + 1_250_000


def test_what_the_list_prices_alike_moves_together() -> None:
    pricer = over(contract("gpt-4o", per_million("completion", "8")))
    assert quote(pricer, TokenCounts(reasoning=500)).total_nano == 4_000_000


def test_a_discount_is_off_every_unit_or_off_one() -> None:
    all_units = over(contract("gpt-4*", RateLine(EVERY, discount_ppm=100_000)))
    assert quote(all_units).total_nano == LIST_NANO * 9 // 10
    one_unit = over(contract("gpt-4*", RateLine("uncached", discount_ppm=100_000)))
    assert quote(one_unit).prompt_nano == 2_250_000
    assert quote(one_unit).completion_nano == 5_000_000


def test_a_discount_holds_in_every_mode_if_it_says_so() -> None:
    card = contract("claude-*", RateLine(EVERY, discount_ppm=500_000), provider="anthropic")
    standard_only, every = over(card), over(replace(card, mode=None))
    listed = quote(Pricer([CATALOGUE]), USED, "claude-sonnet-4-5", "anthropic", mode=Mode.BATCH)
    for pricer, share in ((standard_only, 2), (every, 1)):
        answer = quote(pricer, USED, "claude-sonnet-4-5", "anthropic", mode=Mode.BATCH)
        assert answer.total_nano == listed.total_nano * share // 2
        assert answer.mode is Mode.BATCH


def test_a_contract_never_raises_the_list_price_unless_it_says_so() -> None:
    dear = contract("gpt-4o", per_million("uncached", "3"), per_million("completion", "9"))
    assert quote(over(dear)).total_nano == 2_500_000 + 4_500_000
    assert quote(over(replace(dear, may_raise=True))).total_nano == 3_000_000 + 4_500_000


def test_a_card_is_valid_from_its_first_instant_to_before_its_last() -> None:
    dated = replace(contract(), valid_from_us=NOW_US, valid_to_us=NOW_US + HOUR_US)
    pricer = over(dated)
    sources = [
        quote(pricer, at_us=at_us).price_source
        for at_us in (NOW_US - 1, NOW_US, NOW_US + HOUR_US - 1, NOW_US + HOUR_US)
    ]
    assert sources == ["catalogue", "contract", "contract", "catalogue"]
    assert quote(pricer).price_date == "2026-11-22"


def test_a_later_card_replaces_an_earlier_one_and_the_past_stays() -> None:
    first = replace(contract(), valid_from_us=NOW_US - 10)
    second = replace(contract("gpt-4o", per_million("uncached", "1")), card_id="c2", valid_from_us=NOW_US)
    pricer = over(first, second)
    assert quote(pricer, at_us=NOW_US - 1).prompt_nano == 2_000_000
    assert quote(pricer).prompt_nano == 1_000_000
    assert quote(pricer).completion_nano == 4_000_000  # the first card's line, which the second leaves alone


def test_a_correction_is_the_card_that_was_recorded_later() -> None:
    wrong = replace(contract(), recorded_at_us=1)
    right = replace(contract("gpt-4o", per_million("uncached", "1")), card_id="c2", recorded_at_us=2)
    assert quote(over(right, wrong)).prompt_nano == 1_000_000


def test_the_most_specific_card_wins() -> None:
    prices = {"*": "0.4", "gpt-*": "0.3", "gpt-4*": "0.2", "gpt-4o": "0.1"}
    cards = [
        replace(contract(model, per_million("uncached", price)), card_id=model)
        for model, price in prices.items()
    ]
    pricer = over(*cards)
    found = [
        quote(pricer, TokenCounts(uncached=1000), model).price_card
        for model in ("gpt-4o", "gpt-4.1", "gpt-5", "o3")
    ]
    assert found == ["gpt-4o", "gpt-4*", "gpt-*", "*"]


def test_no_pattern_makes_usage_that_nobody_reported_all_but_free() -> None:
    every, prompt = contract("*", per_million("uncached", "2"), provider=None), TokenCounts(uncached=1)
    assert quote(over(every), prompt, "whatever", None).pricing is Pricing.PRICED
    assert quote(over(every), prompt, UNREPORTED, None).reason is Reason.UNKNOWN_MODEL
    # Whoever names it means it.
    assert quote(over(replace(every, model=UNREPORTED)), prompt, UNREPORTED, None).total_nano == 2_000


def test_dated_prefixed_and_unnamed_ids_find_the_contract_of_their_model() -> None:
    pricer = over(contract())
    assert quote(pricer, model="gpt-4o-2024-08-06").price_card == "c1"
    assert quote(pricer, provider=None).price_card == "c1"
    assert quote(pricer, model="GPT-4o").price_card == "c1"
    assert quote(pricer, provider="azure").price_card != "c1"


def test_a_price_by_the_time_of_day() -> None:
    night = replace(contract("gpt-4o", per_million("uncached", "1")), hours=Hours(22 * HOUR_US, 6 * HOUR_US))
    pricer = over(night)
    midnight_us = NOW_US - NOW_US % (24 * HOUR_US)
    for hour, nano in ((0, 1_000_000), (5, 1_000_000), (6, 2_500_000), (21, 2_500_000), (22, 1_000_000)):
        assert quote(pricer, at_us=midnight_us + hour * HOUR_US).prompt_nano == nano, hour


def test_the_nearer_budget_s_contract_wins() -> None:
    far = replace(contract("gpt-4o", per_million("uncached", "2")), card_id="root's")
    near = replace(contract("gpt-*", per_million("uncached", "1")), card_id="leaf's")
    book = PriceBook([CATALOGUE], contracts={"root": [far], "leaf": [near]})
    assert quote(book.pricer(["leaf", "root"])).price_card == "leaf's"
    assert quote(book.pricer(["other", "root"])).price_card == "root's"
    assert quote(book.pricer(["other"])).price_source == "catalogue"
    assert book.pricer(["leaf", "x", "root"]) is book.pricer(["leaf", "root"])


def test_the_organisation_s_price_comes_after_contracts_and_before_the_catalogue() -> None:
    override = RateCard("o1", "openai", "gpt-4o", (per_million("uncached", "2.2"),), "override")
    book = PriceBook([CATALOGUE], [override], {"b": [contract("gpt-4o", per_million("completion", "8"))]})
    answer = quote(book.pricer(["b"]))
    assert (answer.prompt_nano, answer.completion_nano) == (2_200_000, 4_000_000)
    assert quote(book.pricer()).price_source == "override"


def test_a_model_that_no_list_knows_is_priced_by_its_own_card() -> None:
    own = RateCard(
        "ours",
        "us",
        "llama-at-home",
        (per_million("uncached", "0.5"), per_million("completion", "1")),
        "override",
    )
    pricer = over(own)
    used = TokenCounts(uncached=1000, cache_read=1000, completion=500, reasoning=500)
    answer = quote(pricer, used, "llama-at-home", "us")
    assert (answer.pricing, answer.total_nano, answer.list_nano) == (Pricing.PRICED, 2_000_000, None)
    audio = quote(pricer, TokenCounts(audio_in=1), "llama-at-home", "us")
    assert audio.reason is Reason.UNIT_NOT_PRICED


def test_what_one_list_does_not_price_the_next_one_may() -> None:
    audio = RateCard(
        "i",
        "openai",
        "gpt-4o-audio-preview",
        (per_million("uncached", "2.5"), per_million("audio_in", "40"), per_million("completion", "10")),
        "import",
    )
    book = PriceBook([CATALOGUE, Book([audio])])
    answer = quote(book.pricer(), TokenCounts(uncached=10, audio_in=1000), "gpt-4o-audio-preview")
    assert (answer.price_source, answer.total_nano) == ("import", 40_000_000 + 25_000)
    assert quote(book.pricer(), TokenCounts(uncached=10), "gpt-4o-audio-preview").price_source == "catalogue"
    nowhere = quote(book.pricer(), TokenCounts(audio_out=1), "gpt-4o-audio-preview")
    assert (nowhere.reason, nowhere.price_card) == (Reason.UNIT_NOT_PRICED, "openai/gpt-4o-audio-preview")


def test_a_card_in_another_currency_stands_alone() -> None:
    euro = replace(contract(), currency="EUR")
    answer = quote(over(euro))
    assert (answer.currency, answer.total_nano, answer.list_nano) == ("EUR", 6_000_000, None)
    unnamed = quote(over(euro), TokenCounts(web_searches=1))
    assert unnamed.price_source != "contract"


def test_long_context_prices_are_cliffs_of_all_prompt_tokens() -> None:
    line = RateLine("uncached", Decimal(1), MILLION, ((1000, Decimal(2)),), Semantics.CLIFF, Basis.PROMPT)
    pricer = over(contract("gpt-4o", line))
    assert quote(pricer, TokenCounts(uncached=1000)).total_nano == 1_000_000
    assert quote(pricer, TokenCounts(uncached=1001)).total_nano == 2_002_000
    assert quote(pricer, TokenCounts(uncached=10, cache_read=991)).total_nano == 20_000 + 991 * 1_250


def test_graduated_prices_by_month_need_to_know_the_month() -> None:
    line = RateLine("uncached", Decimal(2), MILLION, ((1000, Decimal(1)),), basis=Basis.MONTH)
    pricer = over(contract("gpt-4o", line))
    unknown = quote(pricer, TokenCounts(uncached=500))
    assert (unknown.pricing, unknown.reason) == (Pricing.UNPRICED, Reason.MONTH_UNKNOWN)
    month = MonthToDate(TokenCounts(uncached=800))
    assert quote(pricer, TokenCounts(uncached=500), month=month).total_nano == 200 * 2_000 + 300 * 1_000


def test_a_fee_is_on_top_of_all_else_and_is_other_cost() -> None:
    pricer = over(replace(contract("*", RateLine(EVERY, discount_ppm=0), provider=None), fee_ppm=50_000))
    answer = quote(pricer)
    assert (answer.other_nano, answer.total_nano) == (LIST_NANO // 20, LIST_NANO * 21 // 20)
    fee_only = over(RateCard("fee", None, "*", (), "contract", fee_ppm=50_000))
    assert quote(fee_only).total_nano == answer.total_nano
    assert quote(fee_only, TokenCounts(uncached=1), "unknown").reason is Reason.UNKNOWN_MODEL


def test_a_price_per_request_counts_requests() -> None:
    pricer = over(contract("gpt-4o", RateLine(REQUEST, Decimal("0.01"))))
    assert quote(pricer, TokenCounts(uncached=1)).other_nano == 10_000_000
    assert quote(pricer, TokenCounts(uncached=1, requests=3)).other_nano == 30_000_000


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RateLine("uncached"), "either a price or a discount"),
        (lambda: RateLine("uncached", Decimal(1), discount_ppm=1), "either a price or a discount"),
        (lambda: RateLine("uncached", Decimal(-1)), "must not be negative"),
        (lambda: RateLine("uncached", Decimal("NaN")), "must not be negative"),
        (lambda: RateLine("uncached", Decimal(1), 0), "per 0 units"),
        (lambda: RateLine("uncached", discount_ppm=MILLION + 1), r"\(1000001 ppm\) must be 0 to 1000000"),
        (
            lambda: contract("m", RateLine("tokns", Decimal(1)), RateLine("uncached", Decimal(1))),
            "unknown unit: 'tokns'",
        ),
        (
            lambda: contract("m", RateLine("uncached", Decimal(1)), RateLine("uncached", Decimal(2))),
            "two lines",
        ),
        (
            lambda: replace(contract(), valid_from_us=5, valid_to_us=5),
            r"valid_to \(5\) must be after valid_from",
        ),
        (lambda: replace(contract(), fee_ppm=-1), "fee of -1 ppm"),
        (lambda: replace(contract(), lines=()), "at least one line"),
        (lambda: Hours(5, 5), "within a day"),
        (lambda: contract("m", RateLine(REQUEST, Decimal(1), 1, ((5, Decimal(1)),))), "have no steps"),
    ],
)
def test_cards_that_cannot_be_are_errors_that_say_why(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(InvalidRate, match=message):
        make()


def test_a_card_has_a_currency_that_can_be() -> None:
    with pytest.raises(InvalidCurrency):
        replace(contract(), currency="usd")


def test_the_first_of_several_lists_gives_the_card() -> None:
    only = Book([RateCard("i", "us", "m", (per_million("uncached", "1"),), "import")])
    both = Sources([CATALOGUE, only])
    assert (card := both.find("us", "m", NOW_US)) is not None
    assert card.key == "i"
    assert both.find("openai", "gpt-4o", NOW_US) is CATALOGUE.find("openai", "gpt-4o", NOW_US)
    assert both.find("us", "n", NOW_US) is None


def test_ten_thousand_cards_are_searched_by_name_and_not_one_by_one() -> None:
    cards = [replace(contract(f"model-{n}"), card_id=f"{n}") for n in range(5_000)]
    cards += [replace(contract(f"family-{n}-*"), card_id=f"p{n}") for n in range(5_000)]
    book = Book([*cards, contract()], CATALOGUE)
    assert len(book.about("gpt-4o")) == 1
    assert [card.card_id for card in book.about("family-77-large")] == ["p77"]
    pricer = Pricer([book])
    assert quote(pricer).price_card == "c1"
    assert quote(pricer, model="family-77-large").price_card == "p77"


prices = st.decimals(0, 100, places=4)
lines = st.one_of(
    st.builds(RateLine, st.sampled_from(["uncached", "completion", "cache_read"]), prices, st.just(MILLION)),
    st.builds(RateLine, st.sampled_from([EVERY, "uncached"]), discount_ppm=st.integers(0, MILLION)),
)
cards = st.builds(
    RateCard,
    st.uuids().map(str),
    st.sampled_from([None, "openai", "google"]),
    st.sampled_from(["*", "gpt-*", "gpt-4o", "gemini-2.5-pro", "gemini-*"]),
    st.tuples(lines),
    st.just("contract"),
    mode=st.sampled_from([None, Mode.STANDARD]),
)
counts = st.builds(
    TokenCounts,
    uncached=st.integers(0, 400_000),
    cache_read=st.integers(0, 400_000),
    completion=st.integers(0, 10_000),
    reasoning=st.integers(0, 10_000),
)
models = st.sampled_from([("openai", "gpt-4o"), ("google", "gemini-2.5-pro"), ("openai", "gpt-4o-mini")])


@given(st.lists(cards, max_size=5), counts, models)
def test_contracts_never_cost_more_than_the_list_nor_less_than_nothing(
    laid: list[RateCard], used: TokenCounts, model: tuple[str, str]
) -> None:
    listed = quote(Pricer([CATALOGUE]), used, model[1], model[0])
    answer = quote(over(*laid), used, model[1], model[0])
    assert 0 <= answer.total_nano <= listed.total_nano
    assert min(answer.prompt_nano, answer.completion_nano, answer.other_nano) >= 0
    assert answer.list_nano in {None, listed.total_nano}


@given(st.lists(cards, min_size=2, max_size=5), counts, models)
def test_the_order_in_which_cards_are_given_does_not_matter(
    laid: list[RateCard], used: TokenCounts, model: tuple[str, str]
) -> None:
    answer = quote(over(*laid), used, model[1], model[0])
    assert quote(over(*reversed(laid)), used, model[1], model[0]) == answer
    assert quote(over(*laid[1:], laid[0]), used, model[1], model[0]) == answer


def test_every_count_can_be_priced_by_a_card() -> None:
    units = [*(name for name in COUNT_NAMES if name != "requests"), REQUEST]
    card = RateCard("all", "us", "m", tuple(RateLine(unit, Decimal("0.001")) for unit in units), "override")
    answer = quote(Pricer([Book([card])]), TokenCounts(*(1 for _ in COUNT_NAMES)), "m", "us")
    assert answer.total_nano == len(COUNT_NAMES) * 1_000_000
