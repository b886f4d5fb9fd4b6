"""Repricing: recorded operations at the prices that are known by now."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import strawberry

from ledger.model import id_of
from ledger.results import Difference
from schema.enums import RepricedAs
from schema.page import PageInfo
from schema.rate_card_inputs import RateCardInput
from schema.raw import FromRawUsage
from schema.scalars import BigInt, DateTime, Decimal, InstantText
from schema.words import money, optional_instant


@strawberry.input(
    description="Operations of [from, to), newest first, a page at a time: pass endCursor as after until "
    "there is no next page. A page that was repriced changes nothing more, so start again at will."
)
class RepriceInput:
    """Operations to reprice."""

    from_: InstantText = strawberry.field(name="from", description="Inclusive.")
    to: InstantText = strawberry.field(description="Exclusive.")
    budget_id: strawberry.ID | None = strawberry.field(description="Charged to this budget or below it.")
    model_id: str | None
    provider: str | None = strawberry.field(description="As it was recorded.")
    unpriced: bool = strawberry.field(default=False, description="Only what has no price yet.")
    dry_run: bool = strawberry.field(default=True, description="Say what would change, and change nothing.")
    cards: list[RateCardInput] = strawberry.field(
        default_factory=list,
        description="What if: cards that are only supposed, over those that hold. For dry runs, at most 50.",
    )
    reason: str | None = strawberry.field(description="Why, for whoever asks later; kept on each adjustment.")
    first: int = strawberry.field(default=200, description="How many operations to look at; at most 500.")
    after: str | None


@strawberry.type(description="How many operations became what.")
class RepricedCount:
    """How many operations became what."""

    outcome: RepricedAs
    operations: int


@strawberry.type(
    description="What repricing changes on one budget that pays, the leaf and all above it alike."
)
class BudgetDifference:
    """What repricing changes on a budget."""

    budget_id: strawberry.ID
    currency: str
    operations: int = strawberry.field(description="That change.")
    before: Decimal
    after: Decimal
    change: Decimal


@strawberry.type(description="What became of a page of operations.")
class RepricedPage(FromRawUsage):
    """What became of a page of operations."""

    dry_run: bool
    looked: BigInt
    counts: list[RepricedCount]
    differences: list[BudgetDifference] = strawberry.field(description="By budget, in order of their ids.")
    through: DateTime | None = strawberry.field(description="When the oldest of them happened.")
    page_info: PageInfo


@dataclass(slots=True)
class _Sum:
    currency: str
    operations: int = 0
    before_nano: int = 0
    after_nano: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it was decided."""

    differences: tuple[Difference, ...]
    dry_run: bool
    through_us: int | None
    page_info: PageInfo
    from_us: int | None = None
    """Where the span begins."""

    def shown(self) -> RepricedPage:
        """The same for clients."""
        counts = Counter(each.outcome for each in self.differences)
        return RepricedPage(
            raw_from_us=self.from_us,
            dry_run=self.dry_run,
            looked=BigInt(len(self.differences)),
            counts=[RepricedCount(outcome=each, operations=counts[each]) for each in sorted(counts)],
            differences=list(_by_budget(self.differences)),
            through=optional_instant(self.through_us),
            page_info=self.page_info,
        )


def _by_budget(differences: Iterable[Difference]) -> Iterable[BudgetDifference]:
    sums: dict[str, _Sum] = {}
    for each in differences:
        if each.outcome in {RepricedAs.CHANGED, RepricedAs.SETTLED}:
            for uid in each.budget_uids:
                found = sums.setdefault(uid, _Sum(each.currency))
                found.operations += 1
                found.before_nano += each.before_nano
                found.after_nano += each.after_nano
    for uid, found in sorted(sums.items()):
        yield BudgetDifference(
            budget_id=strawberry.ID(id_of(uid)),
            currency=found.currency,
            operations=found.operations,
            before=money(found.before_nano),
            after=money(found.after_nano),
            change=money(found.after_nano - found.before_nano),
        )
