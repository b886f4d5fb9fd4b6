"""What a GET says behind its question mark: known names only, each at most once, and something."""

from collections.abc import Collection
from enum import StrEnum
from typing import TypeVar

from starlette.requests import Request

from ledger.errors import InvalidInput
from schema.scalars import InstantText
from schema.words import instant_us

E = TypeVar("E", bound=StrEnum)


class Asked:
    """The parameters of a request. Everything raises ``InvalidInput``, which names the parameter."""

    def __init__(self, request: Request, known: Collection[str]) -> None:
        """Read them."""
        self._said: dict[str, str] = {}
        for name, value in request.query_params.multi_items():
            if name not in known:
                raise InvalidInput(f"There is no parameter {name[:64]!r} here.", field=name[:64])
            if name in self._said:
                raise InvalidInput(f"{name} is said twice.", field=name)
            if not value:
                raise InvalidInput(f"{name} is empty: leave it out.", field=name)
            self._said[name] = value

    def text(self, name: str) -> str | None:
        """A text; None where nothing is said."""
        return self._said.get(name)

    def needed(self, name: str) -> str:
        """A text that must be said."""
        found = self.text(name)
        if found is None:
            raise InvalidInput(f"Say {name}.", field=name)
        return found

    def instant_us(self, name: str) -> int | None:
        """An instant. Raises ``PricingError`` past what we count."""
        # In a query a + that was not escaped arrives as a space.
        text = self.text(name)
        return None if text is None else instant_us(InstantText(text.replace(" ", "+")), name)

    def one_of(self, name: str, kind: type[E], default: E | None) -> E | None:
        """A word of an enum, in any case."""
        text = self.text(name)
        return default if text is None else _word(name, kind, text)

    def all_of(self, name: str, kind: type[E]) -> tuple[E, ...]:
        """Words of an enum with commas in between."""
        text = self.text(name)
        return () if text is None else tuple(_word(name, kind, each.strip()) for each in text.split(","))

    def flag(self, name: str, *, default: bool) -> bool:
        """``true`` or ``false``."""
        text = self.text(name)
        if text is None:
            return default
        if text not in {"true", "false"}:
            raise InvalidInput(f"{name} is true or false, not {text[:64]!r}.", field=name)
        return text == "true"


def _word(name: str, kind: type[E], text: str) -> E:
    for each in kind:
        if each.value.lower() == text.lower():
            return each
    words = ", ".join(kind)
    raise InvalidInput(f"{name} is one of {words}, not {text[:64]!r}.", field=name)
