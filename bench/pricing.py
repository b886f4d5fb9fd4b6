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
from pricing.catalogue import load_catalogue
from pricing.quote import Pricer, PricingRequest
from pricing.units import TokenCounts

CALLS = 20_000
ROUNDS = 5
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

    new_york = civil.zone("America/New_York")
    measure("day_number", lambda at_us: civil.day_number(at_us, new_york), instants)
    measure("month_bounds", lambda at_us: civil.bounds(Unit.MONTH, at_us, new_york), instants)
    instants.sort()
    measure("month_bounds_in_order", lambda at_us: civil.bounds(Unit.MONTH, at_us, new_york), instants)


if __name__ == "__main__":
    main()
