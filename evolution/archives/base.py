"""What a reader gives, and the fields of a row: each is read as what it must be, or named in an error."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, TypeVar, cast

from evolution.errors import BadArchive, EvolutionError, InvalidInput, Problem
from evolution.records import AgentNode, Evaluation, Experiment, Operator
from pricing.errors import PricingError
from pricing.money import parse_decimal, to_nano

PROBLEMS_MAX: Final = 10
"""So many bad lines are shown; all are counted."""

Row = TypeVar("Row")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Archive:
    """A lineage as it was recorded, and what a reader had to decide about it (``notes``, for people)."""

    nodes: tuple[AgentNode, ...]
    evaluations: tuple[Evaluation, ...]
    experiment: Experiment | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scale:
    """Which raw scores are 0 and 1: archives hold other figures than fractions. Between them it is linear."""

    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        """Two different finite numbers; ``low`` may be the larger one where less is better."""
        if not (math.isfinite(self.low) and math.isfinite(self.high)) or self.low == self.high:
            raise InvalidInput(
                f"a scale needs two different numbers, not {self.low}:{self.high}", field="scale"
            )

    def fraction(self, raw: float) -> float:
        """In [0, 1]. Raises ``InvalidInput`` for what lies outside of the scale: nothing is cut off."""
        value = (raw - self.low) / (self.high - self.low)
        if not 0 <= value <= 1:
            raise InvalidInput(
                f"score: {raw} is outside of the scale {self.low:g} to {self.high:g}; say which raw scores "
                "are 0 and 1",
                field="score",
            )
        return value


WHOLE: Final = Scale()
"""Raw scores that are fractions already."""


class Collector:
    """Reads rows one by one and remembers what is wrong with them."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._count = 0

    def read(self, place: str, row: Row, make: Callable[[Row], Value]) -> Value | None:
        """What ``make`` makes of a row; None, and the place remembered, where it raises."""
        try:
            return make(row)
        except EvolutionError as error:
            self.refuse(place, error.message, error.field)
        return None

    def refuse(self, place: str, message: str, field_name: str | None = None) -> None:
        """One bad line."""
        self._count += 1
        if len(self._problems) < PROBLEMS_MAX:
            self._problems.append(Problem(place, field_name, message))

    def end(self) -> None:
        """Raises ``BadArchive`` where anything was wrong."""
        if self._problems:
            raise BadArchive(self._problems, self._count)


@dataclass(frozen=True, slots=True)
class Fields:
    """A row's values by name, from JSON or from text; empty text and null are absent."""

    values: Mapping[str, Any]

    def text(self, name: str) -> str | None:
        """Text, or a number as it is written."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise InvalidInput(f"{name}: {_shown(value)} is not text", field=name)
        return str(value)

    def needed(self, name: str) -> str:
        """Text that must be there."""
        value = self.text(name)
        if value is None:
            raise InvalidInput(f"{name}: missing", field=name)
        return value

    def number(self, name: str) -> float | None:
        """A finite number."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        try:
            found = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            found = math.nan
        if not math.isfinite(found):
            raise InvalidInput(f"{name}: {_shown(value)} is not a finite number", field=name)
        return found

    def whole(self, name: str) -> int | None:
        """An integer; 3.0 is one, 3.5 is not."""
        value = self.values.get(name)
        if type(value) is int:
            return value
        found = self.number(name)
        if found is None:
            return None
        try:
            exact = int(str(value))
        except ValueError:
            exact = int(found)
            if exact != found:
                raise InvalidInput(f"{name}: {_shown(value)} is not a whole number", field=name) from None
        return exact

    def money(self, name: str) -> int | None:
        """Nano-units of an amount in units, half a nano-unit to the even; exactly what is written."""
        text = self.text(name)
        return None if text is None else nano_of(text, name)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; in a table's cell they are separated by semicolons."""
        value: object = self.values.get(name)
        if value is None or value == "":
            return ()
        if isinstance(value, str):
            return tuple(each.strip() for each in value.split(";") if each.strip())
        if isinstance(value, list):
            found = cast("list[object]", value)
            if all(isinstance(each, str) for each in found):
                return tuple(cast("list[str]", found))
            raise InvalidInput(f"{name}: {_shown(found)} is not a list of texts", field=name)
        raise InvalidInput(f"{name}: {_shown(value)} is not a list of texts", field=name)

    def known(self, names: frozenset[str]) -> None:
        """Raises ``InvalidInput`` for the first word that is none of these: a typo must not lose a column."""
        for name in self.values:
            if name not in names:
                raise InvalidInput(
                    f"{_shown(name)}: unknown field; known: {', '.join(sorted(names))}", field=str(name)
                )


def nano_of(text: str, name: str) -> int:
    """Nano-units of decimal text. Raises ``InvalidInput``; money below 0 has no place in an evaluation."""
    try:
        nano = to_nano(parse_decimal(text, name), name)
    except PricingError as error:
        raise InvalidInput(error.message, field=name) from None
    if nano < 0:
        raise InvalidInput(f"{name}: {text} is below 0", field=name)
    return nano


def operator_of(text: str | None, parents: Sequence[str]) -> Operator:
    """The operator by its word; without one by the number of parents."""
    if text is None:
        return (Operator.SEED, Operator.MUTATION, Operator.CROSSOVER)[min(len(parents), 2)]
    try:
        return Operator(text.lower())
    except ValueError:
        known = ", ".join(Operator)
        raise InvalidInput(f"operator: {_shown(text)} is none of {known}", field="operator") from None


@dataclass(slots=True)
class Notes:
    """Remarks about what was read, in order, with their numbers."""

    found: dict[str, int] = field(default_factory=dict[str, int])

    def count(self, remark: str) -> None:
        """Once more."""
        self.found[remark] = self.found.get(remark, 0) + 1

    def texts(self) -> tuple[str, ...]:
        """Such as ``3 programs without a score``."""
        return tuple(f"{count:,} {remark}" for remark, count in self.found.items())


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else f"{text[:40]}…"  # noqa: PLR2004 - enough to find it
