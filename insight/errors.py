"""The errors of the insight room. ``code`` is what the API answers, ``field`` the argument at fault.

::

    InsightError            code
    ├── InvalidQuery        INVALID               a rollup that cannot be asked for
    ├── UnknownBudget       NOT_FOUND
    ├── SumOutOfRange       AMOUNT_OUT_OF_RANGE   a sum past 64 bits
    └── NotSettled          UNAVAILABLE           rollups are being rebuilt: ask again (retryable)
"""

from typing import ClassVar


class InsightError(Exception):
    """Base of the room."""

    code: ClassVar[str] = "INVALID"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class InvalidQuery(InsightError):
    """The question makes no sense, or asks for too much at once."""


class UnknownBudget(InsightError):
    """No such budget."""

    code: ClassVar[str] = "NOT_FOUND"


class SumOutOfRange(InsightError):
    """A sum does not fit into 64 bits."""

    code: ClassVar[str] = "AMOUNT_OUT_OF_RANGE"


class NotSettled(InsightError):
    """Rollups are being rebuilt, or moved under every attempt to read them."""

    code: ClassVar[str] = "UNAVAILABLE"
    retryable: ClassVar[bool] = True
