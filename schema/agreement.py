"""What was agreed for budgets' months, and the four costs of a month."""

from collections.abc import Sequence
from typing import Self

import strawberry

from ledger import results
from ledger.model import id_of
from pricing import volume
from pricing.agreements import Agreed
from schema.enums import AgreementLineKind, StepSemantics, VolumeMeasure
from schema.page import PageInfo
from schema.rate_card import percent
from schema.scalars import BigInt, DateTime, Decimal
from schema.words import money


@strawberry.type(description="A discount from an amount on: of the currency, or of tokens.")
class VolumeTier:
    """A discount from an amount on."""

    above: Decimal
    discount_percent: Decimal


@strawberry.type(
    description="A discount by what the month has used. GRADUATED: each tier for what lies in it; CLIFF: the "
    "tier that is reached for everything. Of several the best one counts."
)
class VolumeDiscount:
    """A discount by what the month has used."""

    term_id: str
    measure: VolumeMeasure
    semantics: StepSemantics
    tiers: list[VolumeTier]

    @classmethod
    def of(cls, row: volume.VolumeDiscount) -> Self:
        """From the pricing room's."""
        spend = row.measure is volume.Measure.SPEND
        return cls(
            term_id=row.term_id,
            measure=row.measure,
            semantics=row.semantics,
            tiers=[
                VolumeTier(
                    above=money(above) if spend else Decimal(str(above)), discount_percent=percent(ppm)
                )
                for above, ppm in row.tiers
            ],
        )


@strawberry.type(description="An amount: a commitment of each month, or a credit until it is used up.")
class AgreedAmount:
    """An amount that was agreed."""

    term_id: str
    amount: Decimal


@strawberry.type(
    description="What was agreed for a budget and what is below it: from fromMonth on, until another version "
    "or toMonth. Its months begin in its time zone."
)
class Agreement:
    """A version of an agreement."""

    agreement_id: strawberry.ID
    version: int
    budget_id: strawberry.ID
    from_month: str
    to_month: str | None = strawberry.field(description="The first month that it holds for no more.")
    timezone: str
    discounts: list[VolumeDiscount]
    commitments: list[AgreedAmount] = strawberry.field(
        description="Paid for each month, used or not; what is used draws on them first."
    )
    credits: list[AgreedAmount] = strawberry.field(description="Off the bill until they are used up.")
    withdrawn: bool = strawberry.field(description="Nothing is agreed from fromMonth on.")
    author: str | None = strawberry.field(
        description="The id of the key that wrote this version; a confined key does not see it."
    )
    recorded_at: DateTime
    reason: str | None

    @classmethod
    def of(cls, row: Agreed, *, authors: bool = True) -> Self:
        """From the ledger's."""
        terms = row.terms
        return cls(
            agreement_id=strawberry.ID(row.agreement_id),
            version=row.number,
            budget_id=strawberry.ID(id_of(row.budget_uid)),
            from_month=row.from_month,
            to_month=row.to_month,
            timezone=row.timezone,
            discounts=[VolumeDiscount.of(each) for each in terms.discounts],
            commitments=[
                AgreedAmount(term_id=each.term_id, amount=money(each.amount_nano))
                for each in terms.commitments
            ],
            credits=[
                AgreedAmount(term_id=each.term_id, amount=money(each.amount_nano)) for each in terms.credits
            ],
            withdrawn=row.withdrawn,
            author=row.author if authors else None,
            recorded_at=DateTime(row.recorded_at_us),
            reason=row.reason,
        )


@strawberry.type(description="A page of agreements, by id; of one: its versions, the newest first.")
class AgreementConnection:
    """A page of agreements."""

    nodes: list[Agreement]
    page_info: PageInfo


@strawberry.type(
    description="One line of a month: what it adds to the effective and to the billed cost. A commitment is "
    "billed as a whole, and what it covers is not billed again."
)
class AgreementLine:
    """One line of a month."""

    kind: AgreementLineKind
    term_id: str
    effective_cost: Decimal
    billed_cost: Decimal

    @classmethod
    def each(cls, rows: Sequence[volume.Adjustment]) -> list[Self]:
        """From the pricing room's."""
        return [
            cls(
                kind=row.kind,
                term_id=row.term_id,
                effective_cost=money(row.effective_nano),
                billed_cost=money(row.billed_nano),
            )
            for row in rows
        ]


@strawberry.type(description="What a close booked for a month; no lines where nothing was to be booked.")
class ClosedMonth:
    """What a close booked for a month."""

    month: str
    lines: list[AgreementLine] = strawberry.field(description="Differences to what was booked before.")


@strawberry.type(description="Months that are closed now. What is booked already is not booked again.")
class ClosedMonths:
    """Months that are closed now."""

    agreement_id: strawberry.ID
    currency: str
    months: list[ClosedMonth]

    @classmethod
    def of(cls, row: results.MonthsClosed) -> Self:
        """From the ledger's."""
        return cls(
            agreement_id=strawberry.ID(row.agreement_id),
            currency=row.currency,
            months=[
                ClosedMonth(month=each.month, lines=AgreementLine.each(each.lines)) for each in row.months
            ],
        )


@strawberry.type(
    description="The four costs of a budget's month, itself and below, in FOCUS's words. While it runs "
    "they are what has accrued; over a closed month, effective and billed cost are equal."
)
class MonthlyCosts:
    """The four costs of a month."""

    budget_id: strawberry.ID
    month: str
    start: DateTime
    end: DateTime
    currency: str
    closed: bool = strawberry.field(description="Over, and all that was agreed for it is booked.")
    list_cost: Decimal = strawberry.field(description="At public prices.")
    contracted_cost: Decimal = strawberry.field(description="At the contracts' unit prices.")
    effective_cost: Decimal = strawberry.field(
        description="Contracted, less volume discounts and credits, with what was committed and not used."
    )
    billed_cost: Decimal = strawberry.field(description="What an invoice says.")
    tokens: BigInt
    lines: list[AgreementLine] = strawberry.field(
        description="Of the agreements of the budget, and of those below it."
    )
