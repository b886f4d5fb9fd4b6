"""What can be asked about agreements: discounts by volume, commitments and credits for a budget's months.

They are the whole organisation's, as prices are: a key that is confined to a budget agrees on nothing.
"""

from dataclasses import dataclass
from typing import Final

from ledger.errors import InvalidInput
from ledger.price_commands import check_reason, check_whole
from pricing.agreements import MONTH
from pricing.volume import Terms

AGREEMENT_ID_MAX: Final = 200
TERMS_MAX: Final = 50
TIERS_MAX: Final = 50
TERM_ID_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class PutAgreement:
    """Agree on something for a budget's months, or revise it. Answers an ``Agreed``.

    A revision holds from its first month on; equal content answers what there is.
    """

    tenant: str
    scope_uid: str | None
    author: str
    agreement_id: str
    budget_id: str
    terms: Terms
    from_month: str
    to_month: str | None = None
    timezone: str | None = None
    """Where its months begin; None: where the budget's do. It stays as it was first said."""
    reason: str | None = None
    revise: bool = False
    """Whether the agreement is there already."""

    def __post_init__(self) -> None:
        """Check what can be checked outside of the ledger's lock."""
        check_whole(self.scope_uid)
        check_reason(self.reason)
        if not 0 < len(self.agreement_id) <= AGREEMENT_ID_MAX or not self.agreement_id.isprintable():
            text = f"agreement_id must have 1 to {AGREEMENT_ID_MAX} printable characters"
            raise InvalidInput(text, field="agreement_id")
        check_month(self.from_month, "from_month")
        check_month(self.to_month, "to_month")
        if self.to_month is not None and self.to_month <= self.from_month:
            text = f"to_month ({self.to_month}) must be after from_month ({self.from_month})"
            raise InvalidInput(text, field="to_month")
        _check_terms(self.terms)


@dataclass(frozen=True, slots=True)
class WithdrawAgreement:
    """End an agreement from a month on. Answers an ``Agreed``; a second time the same."""

    tenant: str
    scope_uid: str | None
    author: str
    agreement_id: str
    from_month: str | None = None
    """None: the running one."""
    reason: str | None = None

    def __post_init__(self) -> None:
        """Check what can be checked outside of the ledger's lock."""
        check_whole(self.scope_uid)
        check_reason(self.reason)
        check_month(self.from_month, "from_month")


@dataclass(frozen=True, slots=True)
class CloseMonths:
    """Book an agreement's months that are over. Answers a ``MonthsClosed``.

    What is booked already is not booked again: the same once more changes nothing, and what came late since
    is booked as a difference.
    """

    tenant: str
    scope_uid: str | None
    agreement_id: str
    month: str | None = None
    """The last month to close; None: all that are over."""
    author: str | None = None
    """None: it happens by itself."""

    def __post_init__(self) -> None:
        """Check what can be checked outside of the ledger's lock."""
        check_whole(self.scope_uid)
        check_month(self.month, "month")


AgreementCommand = PutAgreement | WithdrawAgreement | CloseMonths


def check_month(month: str | None, field: str) -> None:
    """Raise ``InvalidInput`` for what is no month."""
    if month is not None and (not MONTH.fullmatch(month) or not "1971-01" <= month <= "2198-12"):
        raise InvalidInput(f"{field} must be a month such as 2026-11, not {month[:20]!r}", field=field)


def _check_terms(terms: Terms) -> None:
    every = [*terms.discounts, *terms.commitments, *terms.credits]
    if len(every) > TERMS_MAX:
        raise InvalidInput(f"{len(every)} terms; an agreement has at most {TERMS_MAX}", field="terms")
    ids = [each.term_id for each in every]
    for term_id in ids:
        if not 0 < len(term_id) <= TERM_ID_MAX or not term_id.isprintable():
            raise InvalidInput(f"term_id must have 1 to {TERM_ID_MAX} printable characters", field="term_id")
        if ids.count(term_id) > 1:
            raise InvalidInput(f"two terms are called {term_id}", field="term_id")
    for discount in terms.discounts:
        if not 0 < len(discount.tiers) <= TIERS_MAX:
            text = f"a volume discount has 1 to {TIERS_MAX} tiers, not {len(discount.tiers)}"
            raise InvalidInput(text, field="tiers")
