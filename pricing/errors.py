"""The pricing room's error tree. ``code`` is what the API answers, ``field`` the input at fault.

::

    PricingError            INVALID
    ├── InvalidAmount       INVALID               not a finite number, or finer than a nano-unit
    ├── AmountOutOfRange    AMOUNT_OUT_OF_RANGE   past 64 bits of nano-units
    ├── InvalidCurrency     INVALID               not 3 to 10 capital letters or digits
    ├── UnknownTimezone     INVALID               not a name of the IANA database
    ├── InstantOutOfRange   INVALID               before 1970, from 2200 on, or without an offset
    ├── ImpossibleCount     INVALID               a count below 0, past the cap, or above its whole
    ├── UnknownMode         INVALID               not standard, batch, flex, priority or fast
    ├── UnknownResource     INVALID               not a resource type, unit or kind of GPU
    ├── InvalidUsageShape   INVALID               not a usage object of that provider family
    ├── InvalidRate         INVALID               a rate card that cannot be
    ├── InvalidPriceData    INVALID               a price file that is not what it says it is
    ├── InvalidPriceSource  INVALID               a price source that cannot be
    └── NoExchangeRate      INVALID               no rate between two currencies was known on that day

None of them is retryable: the same input fails again.
"""

from typing import ClassVar


class PricingError(ValueError):
    """An input that this room cannot work with."""

    code: ClassVar[str] = "INVALID"

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class InvalidAmount(PricingError):
    """Not a finite decimal number, or one with more than nine decimal places."""


class AmountOutOfRange(PricingError):
    """An amount or a sum past 64 signed bits of nano-units."""

    code = "AMOUNT_OUT_OF_RANGE"


class InvalidCurrency(PricingError):
    """Not a currency code."""


class UnknownTimezone(PricingError):
    """Not a time zone of the IANA database."""


class InstantOutOfRange(PricingError):
    """An instant outside the years 1970 to 2199, or a civil time without an offset."""


class ImpossibleCount(PricingError):
    """A count that cannot be: negative, absurdly large, or a part above its whole."""


class UnknownMode(PricingError):
    """A processing mode that has no price of its own here."""


class UnknownResource(PricingError):
    """A resource type, unit or kind of GPU that nobody knows."""


class InvalidUsageShape(PricingError):
    """Not a usage object as that provider publishes it."""


class InvalidRate(PricingError):
    """A rate card that cannot be: a negative rate, steps out of order, an unknown unit."""


class InvalidPriceData(PricingError):
    """A file of prices or rates that cannot be read as what it says it is."""


class InvalidPriceSource(PricingError):
    """A source of prices that cannot be set up like this."""


class NoExchangeRate(PricingError):
    """No rate between two currencies was known on that day."""
