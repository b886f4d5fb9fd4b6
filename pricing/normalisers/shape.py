"""Reading decoded JSON with care: paths, whole numbers, and errors that name the field."""

from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from typing import Any, NamedTuple, cast

from pricing.errors import ImpossibleCount, InvalidUsageShape
from pricing.modes import Mode
from pricing.units import NO_COUNTS, TokenCounts


class Normalised(NamedTuple):
    """What a provider's answer says was used."""

    counts: TokenCounts = NO_COUNTS
    mode: Mode = Mode.STANDARD
    provider_cost: Decimal | None = None
    """What the provider says it charged, in USD, where it does."""


class Shape:
    """A JSON object, read by name. ``path`` is where it lies, for errors."""

    def __init__(self, content: Any, path: str) -> None:
        if not isinstance(content, Mapping):
            message = f"{path} must be an object, not {type(content).__name__}"
            raise InvalidUsageShape(message, path)
        self._content = cast("Mapping[str, Any]", content)
        self._path = path

    def __contains__(self, name: str) -> bool:
        return self._content.get(name) is not None

    def count(self, *names: str, required: bool = False) -> int:
        """The first of these whole numbers that is there, else 0."""
        for name in names:
            value = self._content.get(name)
            if value is None:
                continue
            # JSON writers of some languages have no integers: 7.0 is 7, and 7.5 is not a count.
            whole = int(value) if isinstance(value, float) and value.is_integer() else value
            if isinstance(whole, bool) or not isinstance(whole, int):
                raise InvalidUsageShape(f"{self._at(name)} must be a whole number", self._at(name))
            return whole
        if required:
            raise InvalidUsageShape(f"{self._at(names[0])} is missing", self._at(names[0]))
        return 0

    def decimal(self, *names: str) -> Decimal | None:
        """The first of these numbers that is there, as it is written."""
        for name in names:
            value = self._content.get(name)
            if value is None or isinstance(value, bool):
                continue
            try:
                number = Decimal(str(value))
            except InvalidOperation:
                number = Decimal("NaN")
            if not number.is_finite():
                raise InvalidUsageShape(f"{self._at(name)} must be a number", self._at(name))
            return number
        return None

    def milliseconds(self, *names: str) -> int:
        """The first of these durations in seconds, begun milliseconds counting whole."""
        seconds = self.decimal(*names)
        return 0 if seconds is None else int((seconds * 1000).to_integral_value(ROUND_CEILING))

    def text(self, *names: str) -> str | None:
        """The first of these texts that is there."""
        for name in names:
            value = self._content.get(name)
            if value is not None:
                if not isinstance(value, str):
                    raise InvalidUsageShape(f"{self._at(name)} must be a text", self._at(name))
                return value
        return None

    def inner(self, *names: str) -> "Shape":
        """The first of these objects that is there, else an empty one."""
        for name in names:
            if self._content.get(name) is not None:
                return Shape(self._content[name], self._at(name))
        return Shape({}, self._at(names[0]))

    def items(self, *names: str) -> list["Shape"]:
        """The objects in the first of these lists that is there."""
        for name in names:
            found = self._content.get(name)
            if found is not None:
                if not isinstance(found, list | tuple):
                    raise InvalidUsageShape(f"{self._at(name)} must be a list", self._at(name))
                return [Shape(each, self._at(name)) for each in cast("Iterable[Any]", found)]
        return []

    def length(self, *names: str) -> int:
        """How long the first of these lists is."""
        found = next((self._content[name] for name in names if self._content.get(name) is not None), ())
        return len(cast("list[Any]", found)) if isinstance(found, list | tuple) else 0

    def _at(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name


def check_total(said: int, parts: int, name: str) -> None:
    """A total that is said must be the sum of its parts."""
    if said and said != parts:
        message = f"{name} ({said}) is not the sum of its parts ({parts})"
        raise ImpossibleCount(message, name)


def last_with(events: Iterable[Mapping[str, Any]], name: str) -> Mapping[str, Any] | None:
    """The last event that has a field with something in it."""
    found = None
    for event in events:
        if event.get(name) is not None:
            found = event
    return found
