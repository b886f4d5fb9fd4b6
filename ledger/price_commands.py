"""What can be asked about prices: cards, exchange rates, price files. All of it is the whole organisation's.

A key that is confined to a budget may not: its price would lower what the budgets above are charged.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ledger.errors import Forbidden, InvalidInput
from pricing.cards import RateCard
from pricing.currency import ExchangeRate
from pricing.errors import PricingError
from pricing.litellm import read_litellm
from pricing.prices import Revision

RATES_MAX: Final = 20_000
"""Exchange rates of one call."""
REPRICED_MAX: Final = 500
"""Operations that are repriced in one call."""
SUPPOSED_MAX: Final = 50
"""Cards that a dry run supposes."""
FILE_BYTES_MAX: Final = 8 * 2**20
REASON_LENGTH_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class PutRateCard:
    """Create a card, or revise it: the version before stays. Answers a ``Revision``.

    The card comes without author and instant, which the ledger notes. Equal content answers what there is.
    """

    tenant: str
    scope_uid: str | None
    author: str
    card: RateCard
    budget_id: str | None = None
    """Whose contract it is; None is the organisation's own price."""
    reason: str | None = None
    revise: bool = False
    """Whether the card is there already."""
    listed: bool = False
    """Whether a price source says it: then it is a list price, below what people say."""

    def __post_init__(self) -> None:
        """Check what can be checked outside of the ledger's lock."""
        check_whole(self.scope_uid)
        _check_id(self.card.card_id)
        check_reason(self.reason)


@dataclass(frozen=True, slots=True)
class WithdrawRateCard:
    """End a card: it prices nothing more. Answers a ``Revision``; a second time the same."""

    tenant: str
    scope_uid: str | None
    author: str
    card_id: str
    reason: str | None = None

    def __post_init__(self) -> None:
        """Check what can be checked outside of the ledger's lock."""
        check_whole(self.scope_uid)
        check_reason(self.reason)


@dataclass(frozen=True, slots=True)
class PutExchangeRates:
    """Add exchange rates. Answers a ``RatesTaken``; those that are known already are left out."""

    tenant: str
    scope_uid: str | None
    author: str
    rates: Sequence[ExchangeRate]

    def __post_init__(self) -> None:
        """Check what can be checked outside of the ledger's lock."""
        check_whole(self.scope_uid)
        if len(self.rates) > RATES_MAX:
            raise InvalidInput(
                f"{len(self.rates)} exchange rates in one call; at most {RATES_MAX} are taken", field="rates"
            )


@dataclass(frozen=True, slots=True)
class PutPriceFile:
    """Import a LiteLLM price file as the last link of the chain. Answers a ``PriceFile``; again, the same."""

    tenant: str
    scope_uid: str | None
    author: str
    content: bytes
    version: str = ""
    reason: str | None = None
    packed: bytes = field(init=False, repr=False, compare=False)
    """Outside of the ledger's lock: it takes a while."""

    def __post_init__(self) -> None:
        """Look through it. Raises ``InvalidInput`` for what is no such file."""
        check_whole(self.scope_uid)
        check_reason(self.reason)
        if len(self.content) > FILE_BYTES_MAX:
            text = f"a price file of {len(self.content)} bytes is larger than {FILE_BYTES_MAX}"
            raise InvalidInput(text, field="content")
        try:
            read_litellm(self.content, self.version)
        except PricingError as error:
            raise InvalidInput(error.message, field="content") from error
        object.__setattr__(self, "packed", zlib.compress(self.content, 9))


@dataclass(frozen=True, slots=True)
class Reprice:
    """Bring operations to the price that is known now for their own instant. Answers a ``Repriced``.

    What was charged stays; the difference is an adjustment. What had no price gets its entry. Asked again,
    nothing more changes.
    """

    tenant: str
    scope_uid: str | None
    uids: Sequence[str]
    """Of usages."""
    reason: str | None = None
    dry_run: bool = False
    """Whether to say what would change, and change nothing."""
    author: str | None = None
    supposed: Sequence[Revision] = ()
    """Cards as if they had been said: for dry runs."""

    def __post_init__(self) -> None:
        """Check what can be checked outside of the ledger's lock."""
        check_whole(self.scope_uid)
        check_reason(self.reason)
        if self.supposed and not self.dry_run:
            text = "cards that are only supposed change nothing: ask for a dry run, or create them first"
            raise InvalidInput(text, field="cards")
        if len(self.supposed) > SUPPOSED_MAX:
            text = f"{len(self.supposed)} supposed cards in one call; at most {SUPPOSED_MAX}"
            raise InvalidInput(text, field="cards")
        if len(self.uids) > REPRICED_MAX:
            text = f"{len(self.uids)} operations in one call; at most {REPRICED_MAX} are repriced"
            raise InvalidInput(text, field="first")


PriceCommand = PutRateCard | WithdrawRateCard | PutExchangeRates | PutPriceFile | Reprice


def check_reason(reason: str | None) -> None:
    """Raise ``InvalidInput`` for a text that is too long."""
    if reason is not None and len(reason) > REASON_LENGTH_MAX:
        raise InvalidInput(f"reason has at most {REASON_LENGTH_MAX} characters", field="reason")


def check_whole(scope_uid: str | None) -> None:
    """Raise ``Forbidden`` for a key that is confined to a budget."""
    if scope_uid is not None:
        raise Forbidden("Prices are the whole organisation's: a key that is confined to a budget sets none.")


def _check_id(card_id: str) -> None:
    if not 0 < len(card_id) <= 256 or not card_id.isprintable():  # noqa: PLR2004 - the contract's bound
        raise InvalidInput("card_id must have 1 to 256 printable characters", field="card_id")
