"""The errors of the ledger.

::

    LedgerError                 code
    ├── InvalidInput            INVALID               bad input; names the field
    ├── NotFound                NOT_FOUND             unknown, or outside what the key sees
    ├── Conflict                CONFLICT              the id exists with other content
    ├── CycleRefused            CYCLE                 a move would make a budget its own ancestor
    ├── CurrencyMismatch        CURRENCY_MISMATCH     a budget tree has one currency
    ├── BudgetClosed            BUDGET_CLOSED
    ├── OutOfRange              AMOUNT_OUT_OF_RANGE   a sum past 64 bits
    ├── Forbidden               FORBIDDEN
    └── Unavailable             UNAVAILABLE           no commit was confirmed; send it again (retryable)
        └── Overloaded          UNAVAILABLE           the queue is full; says when to come back

An error never leaves anything half-written: a batch is committed as a whole or not at all.
"""

from typing import ClassVar


class LedgerError(Exception):
    """Base of the room. ``code`` goes to the client, ``field`` names the input at fault if one is."""

    code: ClassVar[str] = "INVALID"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class InvalidInput(LedgerError):
    """Input that can never succeed as it stands."""


class NotFound(LedgerError):
    """No such thing, or none that this key may see: the two are told apart by nobody."""

    code: ClassVar[str] = "NOT_FOUND"


class Conflict(LedgerError):
    """The id is taken by something with other content."""

    code: ClassVar[str] = "CONFLICT"


class CycleRefused(LedgerError):
    """The budget would become its own ancestor."""

    code: ClassVar[str] = "CYCLE"


class CurrencyMismatch(LedgerError):
    """A budget tree has one currency."""

    code: ClassVar[str] = "CURRENCY_MISMATCH"


class BudgetClosed(LedgerError):
    """The budget takes no new budgets or changes."""

    code: ClassVar[str] = "BUDGET_CLOSED"


class OutOfRange(LedgerError):
    """An amount or a sum does not fit into 64 bits of nano-units."""

    code: ClassVar[str] = "AMOUNT_OUT_OF_RANGE"


class Forbidden(LedgerError):
    """The key may not do this."""

    code: ClassVar[str] = "FORBIDDEN"


class Unavailable(LedgerError):
    """No commit was confirmed and nothing acknowledged; the same call may be sent again."""

    code: ClassVar[str] = "UNAVAILABLE"
    retryable: ClassVar[bool] = True


class Overloaded(Unavailable):
    """The committer's queue is full. ``retry_after_seconds`` says when to come back."""

    def __init__(self, message: str, *, retry_after_seconds: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
