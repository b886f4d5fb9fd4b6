"""Rate cards as people write them and as the graph keeps them: dated, never overwritten.

A card says what one provider's model (or every model that a pattern matches) costs, unit by unit, in one
processing mode, from one instant to another. A contract's or an organisation's card needs to name only what
differs: ``pricing.book`` lays it over the list price. A change is a new card with a later ``valid_from_us``
or, for a correction, with a later ``recorded_at_us``; the old one stays.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from pricing.calendar import DAY_US, INSTANT_MAX_US, check_instant
from pricing.errors import InvalidRate
from pricing.modes import Mode
from pricing.money import NANO, validate_currency
from pricing.rates import FEE_SCALE, REQUEST
from pricing.steps import Basis, Semantics, Steps
from pricing.units import COUNT_NAMES

EVERY: Final = "*"
"""The unit of a line that holds for every unit that no other line names."""
MILLION: Final = 10**6
UNREPORTED: Final = "unreported"
"""The model of usage of which nobody says what it was. No pattern is about it: it would be all but free."""
UNITS: Final = frozenset({*COUNT_NAMES, REQUEST, EVERY} - {"requests"})
"""What token-like lines can be about; a resource's card has one line, about its own unit."""
_RESOURCE_UNIT: Final = re.compile(r"[a-z][a-z0-9_]{1,63}")


@dataclass(frozen=True, slots=True)
class RateLine:
    """What one unit costs: ``price`` money for each ``per`` units, or ``discount_ppm`` off the list price.

    ``steps`` are further prices from a quantity on: (above, price), ascending.
    """

    unit: str
    price: Decimal | None = None
    per: int = 1
    steps: tuple[tuple[int, Decimal], ...] = ()
    semantics: Semantics = Semantics.GRADUATED
    basis: Basis = Basis.CALL
    discount_ppm: int | None = None

    def __post_init__(self) -> None:
        if (self.price is None) == (self.discount_ppm is None):
            raise InvalidRate(f"{self.unit} needs either a price or a discount", "lines")
        if self.per < 1:
            raise InvalidRate(f"{self.unit} is priced per {self.per} units, which cannot be", "lines")
        if self.discount_ppm is not None and not 0 <= self.discount_ppm <= FEE_SCALE:
            message = f"the discount on {self.unit} ({self.discount_ppm} ppm) must be 0 to {FEE_SCALE}"
            raise InvalidRate(message, "lines")
        if self.discount_ppm is not None and self.steps:
            raise InvalidRate(f"a discount on {self.unit} has no steps of its own", "lines")
        for price in (self.price, *(price for _, price in self.steps)):
            if price is not None and not (price.is_finite() and price >= 0):
                raise InvalidRate(f"the price of {self.unit} ({price}) must not be negative", "lines")
        if self.price is not None:
            self.to_steps()

    def to_steps(self) -> Steps:
        """Nano-units per unit, step by step."""
        prices = ((0, self.price or Decimal(0)), *self.steps)
        return Steps.of(
            [(above, Fraction(price) * NANO / self.per) for above, price in prices],
            self.semantics,
            self.basis,
        )


@dataclass(frozen=True, slots=True)
class Hours:
    """A time of the day in UTC, half-open; one that ends before it begins spans midnight."""

    from_us: int
    to_us: int

    def __post_init__(self) -> None:
        if not (0 <= self.from_us < DAY_US and 0 <= self.to_us <= DAY_US and self.from_us != self.to_us):
            raise InvalidRate(f"hours must lie within a day, not {self.from_us} to {self.to_us} µs", "hours")

    def hold(self, at_us: int) -> bool:
        """Whether an instant lies within them."""
        of_day = at_us % DAY_US
        if self.from_us < self.to_us:
            return self.from_us <= of_day < self.to_us
        return of_day >= self.from_us or of_day < self.to_us


@dataclass(frozen=True, slots=True)
class RateCard:
    """One dated card. ``model`` may hold ``*`` and ``?``; ``provider`` None means any."""

    card_id: str
    provider: str | None
    model: str
    lines: tuple[RateLine, ...]
    source: str
    """Which link of the chain it belongs to: ``contract``, ``override``, ``resources``, ``import``."""
    currency: str = "USD"
    mode: Mode | None = Mode.STANDARD
    """None holds for every mode."""
    valid_from_us: int = 0
    valid_to_us: int = INSTANT_MAX_US
    hours: Hours | None = None
    fee_ppm: int = 0
    """A fee on top, in parts per million of all else."""
    may_raise: bool = False
    """Whether a price above the list price is meant; else the list price is the most that is paid."""
    version: str = ""
    content_hash: str = ""
    author: str | None = None
    recorded_at_us: int = 0
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None

    def __post_init__(self) -> None:
        validate_currency(self.currency)
        check_instant(self.valid_from_us, "valid_from")
        if not self.valid_from_us < self.valid_to_us <= INSTANT_MAX_US:
            message = f"valid_to ({self.valid_to_us}) must be after valid_from ({self.valid_from_us})"
            raise InvalidRate(message, "valid_to")
        if not 0 <= self.fee_ppm <= FEE_SCALE:
            raise InvalidRate(f"a fee of {self.fee_ppm} ppm must be 0 to {FEE_SCALE}", "fee_ppm")
        if not self.model or (not self.lines and not self.fee_ppm):
            raise InvalidRate(f"card {self.card_id!r} needs a model and at least one line", "lines")
        seen: set[str] = set()
        for line in self.lines:
            if line.unit in seen:
                raise InvalidRate(f"card {self.card_id!r} has two lines for {line.unit}", "lines")
            seen.add(line.unit)
        if any(line.unit in {REQUEST, EVERY} and line.steps for line in self.lines):
            raise InvalidRate(f"card {self.card_id!r}: requests and {EVERY} have no steps", "lines")
        unknown = [unit for unit in seen if unit not in UNITS]
        if unknown and (len(self.lines) > 1 or not _RESOURCE_UNIT.fullmatch(unknown[0])):
            raise InvalidRate(f"card {self.card_id!r} prices an unknown unit: {unknown[0]!r}", "lines")

    @property
    def is_pattern(self) -> bool:
        """Whether it may hold for several models."""
        return "*" in self.model or "?" in self.model

    @property
    def prefix(self) -> str:
        """The letters that every model of the pattern begins with."""
        return re.split(r"[*?]", self.model.lower(), maxsplit=1)[0]

    def matches(self, providers: Collection[str], models: Collection[str]) -> bool:
        """Whether it is about one of these models of one of these providers; all in lower case."""
        if self.provider is not None and self.provider.lower() not in providers:
            return False
        pattern = self.model.lower()
        if not self.is_pattern:
            return pattern in models
        named = (model for model in models if model != UNREPORTED)
        return any(re.fullmatch(_regex(pattern), model) for model in named)

    def holds(self, at_us: int) -> bool:
        """Whether it is valid at an instant, that day and at that hour."""
        dated = self.valid_from_us <= at_us < self.valid_to_us
        return dated and (self.hours is None or self.hours.hold(at_us))

    def line(self, unit: str) -> RateLine | None:
        """Its line for a unit, or that for every unit."""
        every = None
        for line in self.lines:
            if line.unit == unit:
                return line
            if line.unit == EVERY:
                every = line
        return every


def by_rank(cards: Iterable[RateCard]) -> list[RateCard]:
    """Most specific first: exact names, then longer patterns; named providers; hours; then the later ones."""
    return sorted(
        cards,
        key=lambda card: (
            not card.is_pattern,
            len(card.prefix),
            card.provider is not None,
            card.hours is not None,
            card.valid_from_us,
            card.recorded_at_us,
            card.card_id,
        ),
        reverse=True,
    )


def _regex(pattern: str) -> str:
    parts = re.split(r"([*?])", pattern)
    return "".join({"*": ".*", "?": "."}.get(part) or re.escape(part) for part in parts)
