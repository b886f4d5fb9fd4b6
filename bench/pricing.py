"""Micro-benchmarks of the pricing room, as JSON lines: nanoseconds of processor time per call, best of five.

Warm means: the catalogue is loaded and the model's card for that day is compiled.
"""

import json
import sys
from collections.abc import Callable, Sequence
from random import Random
from time import perf_counter, process_time_ns
from typing import TypeVar

from pricing import calendar as civil
from pricing.calendar import DAY_US, Unit
from pricing.cards import RateCard, RateLine
from pricing.catalogue import Catalogue, load_catalogue
from pricing.prices import CONTRACT, Prices, Revision
from pricing.quote import Pricer, PricingRequest
from pricing.units import TokenCounts

CALLS = 20_000
ROUNDS = 5
CARDS = 10_000
BUDGETS = 2_000
PATHS = 50
START_US = 1_762_000_000 * civil.SECOND_US

T = TypeVar("T")

random = Random(3)
MODELS = [
    ("openai", "gpt-4o"),
    ("openai", "gpt-5"),
    ("anthropic", "claude-sonnet-4-5"),
    ("google", "gemini-2.5-pro"),
    ("deepseek", "deepseek-chat"),
]


def measure(name: str, work: Callable[[T], object], items: Sequence[T]) -> None:
    """Print the best round's nanoseconds per call."""
    best_ns = min(_round(work, items) for _ in range(ROUNDS))
    say(name, round(best_ns), "ns")


def say(name: str, value: int, unit: str) -> None:
    """One JSON line."""
    print(json.dumps({"bench": f"pricing/{name}", "value": value, "unit": unit}))


def _round(work: Callable[[T], object], items: Sequence[T]) -> float:
    start_ns = process_time_ns()
    for item in items:
        work(item)
    return (process_time_ns() - start_ns) / len(items)


def _billed() -> dict[str, int]:
    prompt, completion = random.randrange(10, 50_000), random.randrange(1, 4_000)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "cache_read_tokens": random.choice([0, prompt // 2]),
        "reasoning_tokens": random.choice([0, completion // 3]),
    }


def _contracts(catalogue: Catalogue, requests: Sequence[PricingRequest]) -> None:
    """The same under 10,000 rate cards: contracts of 2,000 budgets, patterns among them, and overrides."""
    prices = Prices([catalogue])
    started = perf_counter()
    for number in range(CARDS):
        provider, model = MODELS[number % len(MODELS)] if number % 3 else ("openai", f"model-{number}*")
        line = RateLine("*", discount_ppm=1_000 + number)
        card = RateCard(f"card-{number}", provider, model, (line,), CONTRACT, recorded_at_us=number)
        prices.put(Revision(card, budget_uid=f"t/{number % BUDGETS}" if number % 10 else None))
    paths = [tuple(f"t/{random.randrange(BUDGETS)}" for _ in range(3)) for _ in range(PATHS)]
    asked = [(paths[number % PATHS], request) for number, request in enumerate(requests)]
    for path, request in asked:
        prices.pricer(path).quote(request)
    say("cards_10000_said_and_compiled", round((perf_counter() - started) * 1000), "ms")
    measure("contract_card_warm", lambda each: prices.pricer(each[0]).card(each[1]), asked)
    measure("contract_quote_warm", lambda each: prices.pricer(each[0]).quote(each[1]), asked)


def main() -> None:
    """Run them all."""
    start = perf_counter()
    catalogue = load_catalogue()
    say("load_catalogue", round((perf_counter() - start) * 1000), "ms")

    billed = [_billed() for _ in range(CALLS)]
    measure("counts", lambda fields: TokenCounts.from_billed(**fields), billed)

    pricer = Pricer([catalogue])
    instants = [START_US + random.randrange(90 * DAY_US) for _ in range(CALLS)]
    requests = [
        PricingRequest(at_us, *random.choice(MODELS), TokenCounts.from_billed(**fields))
        for at_us, fields in zip(instants, billed, strict=True)
    ]
    unpriced = {request.model_id for request in requests if pricer.quote(request).reason}
    if unpriced:
        sys.exit(f"the catalogue does not price {unpriced}")
    measure("quote_warm", pricer.quote, requests)
    measure("quote_warm_one_model", pricer.quote, [requests[0]] * CALLS)

    _contracts(catalogue, requests)

    new_york = civil.zone("America/New_York")
    measure("day_number", lambda at_us: civil.day_number(at_us, new_york), instants)
    measure("month_bounds", lambda at_us: civil.bounds(Unit.MONTH, at_us, new_york), instants)
    instants.sort()
    measure("month_bounds_in_order", lambda at_us: civil.bounds(Unit.MONTH, at_us, new_york), instants)


if __name__ == "__main__":
    main()
