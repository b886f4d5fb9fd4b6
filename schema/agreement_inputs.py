"""Agreements, as callers say them."""

import strawberry

from ledger.access import Principal
from ledger.agreement_commands import PutAgreement
from ledger.errors import InvalidInput
from pricing import volume
from pricing.money import parse_decimal, to_nano_exact
from pricing.volume import Commitment, Credit, Measure, Terms
from schema.enums import StepSemantics, VolumeMeasure
from schema.rate_card_inputs import percent_ppm
from schema.scalars import Decimal


@strawberry.input(description="A discount from an amount on: of the currency, or of tokens.")
class VolumeTierInput:
    """A discount from an amount on."""

    above: Decimal
    discount_percent: Decimal


@strawberry.input(description="A discount by what the month has used, in tiers from the lowest on.")
class VolumeDiscountInput:
    """A discount by what the month has used."""

    term_id: str
    tiers: list[VolumeTierInput]
    measure: VolumeMeasure = VolumeMeasure.SPEND
    semantics: StepSemantics = StepSemantics.GRADUATED

    def discount(self) -> volume.VolumeDiscount:
        """The pricing room's. Raises ``PricingError``, ``InvalidInput``."""
        tiers = tuple(
            (self._edge(each.above), percent_ppm(each.discount_percent, "tiers")) for each in self.tiers
        )
        return volume.VolumeDiscount(self.term_id, tiers, self.measure, self.semantics)

    def _edge(self, said: Decimal) -> int:
        amount = parse_decimal(said, "tiers")
        if self.measure is Measure.SPEND:
            return to_nano_exact(amount, "tiers")
        if amount != amount.to_integral_value():
            raise InvalidInput(f"{said} is no whole number of tokens", field="tiers")
        return int(amount)


@strawberry.input(description="An amount that is agreed under a name.")
class AgreedAmountInput:
    """An amount."""

    term_id: str
    amount: Decimal

    def nano(self, field: str) -> int:
        """In nano-units. Raises ``PricingError``."""
        return to_nano_exact(parse_decimal(self.amount, field), field)


@strawberry.input(
    description="What is agreed for a budget and what is below it, in the budget's currency; of an update: "
    "all of it anew, from fromMonth on."
)
class AgreementInput:
    """An agreement, or all of its next version."""

    agreement_id: strawberry.ID
    budget_id: strawberry.ID
    from_month: str = strawberry.field(description="The first month that it holds for: 2026-11.")
    to_month: str | None = strawberry.field(description="The first month that it holds for no more.")
    timezone: str | None = strawberry.field(description="Where its months begin; the budget's if left out.")
    discounts: list[VolumeDiscountInput] = strawberry.field(default_factory=list)
    commitments: list[AgreedAmountInput] = strawberry.field(default_factory=list)
    credits: list[AgreedAmountInput] = strawberry.field(default_factory=list)
    reason: str | None

    def command(self, principal: Principal, *, revise: bool) -> PutAgreement:
        """What the ledger is asked. Raises ``PricingError``, ``LedgerError``."""
        terms = Terms(
            tuple(each.discount() for each in self.discounts),
            tuple(Commitment(each.term_id, each.nano("commitments")) for each in self.commitments),
            tuple(Credit(each.term_id, each.nano("credits")) for each in self.credits),
        )
        return PutAgreement(
            principal.tenant,
            principal.scope_uid,
            principal.key_id,
            self.agreement_id,
            self.budget_id,
            terms,
            self.from_month,
            self.to_month,
            self.timezone,
            self.reason,
            revise,
        )
