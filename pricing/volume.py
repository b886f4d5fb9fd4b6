"""What a period's sums change: volume discounts, commitments and credits, as adjustment lines.

Everything here is a function of a month's running sums, in FOCUS's words for the four costs that are kept
apart, all in nano-units of one currency:

- **list**: at public prices; **contracted**: at the contract's unit prices;
- **effective**: contracted, less volume discounts and credits, with commitments spread over what they cover;
- **billed**: what an invoice says: what a commitment covers costs nothing more, its purchase costs all of it.

:func:`settle` gives the lines of a month as it stands: asked while it runs, they are the accrual; asked when
it is over (``closed``), what was committed and not used is a line, too. The accrual of one charge is the
difference of two such answers, so that the order of charges does not matter. Over a closed month, effective
and billed cost are equal.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final, NamedTuple

from pricing.errors import InvalidAmount, InvalidRate
from pricing.money import check_range, round_ratio
from pricing.rates import FEE_SCALE
from pricing.steps import Semantics, Steps


class Measure(StrEnum):
    """What the tiers of a volume discount are of."""

    SPEND = "SPEND"
    """Contracted cost, in nano-units."""
    TOKENS = "TOKENS"


class LineKind(StrEnum):
    """Why an adjustment line is there."""

    VOLUME_DISCOUNT = "VOLUME_DISCOUNT"
    COMMITMENT_PURCHASE = "COMMITMENT_PURCHASE"
    COMMITMENT_COVERED = "COMMITMENT_COVERED"
    COMMITMENT_UNUSED = "COMMITMENT_UNUSED"
    CREDIT = "CREDIT"


class MonthSums(NamedTuple):
    """What a budget's subtree used in a month so far."""

    list_nano: int = 0
    contracted_nano: int = 0
    tokens: int = 0


class Adjustment(NamedTuple):
    """One line: what it adds to the effective and to the billed cost."""

    kind: LineKind
    term_id: str
    effective_nano: int
    billed_nano: int


class Columns(NamedTuple):
    """The four costs of a month."""

    list_nano: int
    contracted_nano: int
    effective_nano: int
    billed_nano: int


@dataclass(frozen=True, slots=True)
class VolumeDiscount:
    """Parts per million off, from amounts on: ``tiers`` are (above, ppm), ascending, 0 ppm below the first.

    GRADUATED takes each tier's share off what lies in it; CLIFF takes the reached tier's off everything.
    By TOKENS, the spend is taken to be spread evenly over the tokens.
    """

    term_id: str
    tiers: tuple[tuple[int, int], ...]
    measure: Measure = Measure.SPEND
    semantics: Semantics = Semantics.GRADUATED

    def __post_init__(self) -> None:
        for above, ppm in self.tiers:
            if above < 0 or not 0 <= ppm <= FEE_SCALE:
                message = f"a tier of {ppm} ppm above {above} must be 0 to {FEE_SCALE} ppm above 0 or more"
                raise InvalidRate(message, "tiers")
        self.steps()

    def steps(self) -> Steps:
        """The tiers with the one below them, as rates of nano-units off one of the measure."""
        first = () if self.tiers and self.tiers[0][0] == 0 else ((0, 0),)
        tiers = [(above, Fraction(ppm, FEE_SCALE)) for above, ppm in (*first, *self.tiers)]
        return Steps.of(tiers, self.semantics)

    def discount_nano(self, sums: MonthSums) -> int:
        """What is off a month's contracted cost so far, from 0."""
        if sums.contracted_nano <= 0:
            return 0
        if self.measure is Measure.SPEND:
            exact = self.steps().cost(sums.contracted_nano)
        elif sums.tokens:
            exact = self.steps().cost(sums.tokens) * Fraction(sums.contracted_nano, sums.tokens)
        else:
            return 0
        return round_ratio(exact.numerator, exact.denominator)


@dataclass(frozen=True, slots=True)
class Commitment:
    """An amount that is paid for a month whether it is used or not, and that usage draws down first."""

    term_id: str
    amount_nano: int

    def __post_init__(self) -> None:
        _not_negative(self.amount_nano, "commitment")


@dataclass(frozen=True, slots=True)
class Credit:
    """An amount that is off the bill until it is used up; ``used_nano`` was used in the months before."""

    term_id: str
    amount_nano: int
    used_nano: int = 0

    def __post_init__(self) -> None:
        _not_negative(self.amount_nano, "credit")
        if not 0 <= self.used_nano <= self.amount_nano:
            message = f"used ({self.used_nano}) must be 0 to the credit's amount ({self.amount_nano})"
            raise InvalidAmount(message, "used")


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed for a budget's subtree, in the order in which it is applied."""

    discounts: Sequence[VolumeDiscount] = ()
    commitments: Sequence[Commitment] = ()
    credits: Sequence[Credit] = ()


NO_TERMS: Final = Terms()


def settle(terms: Terms, sums: MonthSums, *, closed: bool = False) -> list[Adjustment]:
    """The adjustment lines of a month as it stands. Of several volume discounts the best one counts."""
    lines: list[Adjustment] = []
    best_nano, best = 0, None
    for discount in terms.discounts:
        off_nano = discount.discount_nano(sums)
        if off_nano > best_nano:
            best_nano, best = off_nano, discount
    if best is not None:
        lines.append(Adjustment(LineKind.VOLUME_DISCOUNT, best.term_id, -best_nano, -best_nano))
    due_nano = max(0, sums.contracted_nano - best_nano)
    uncovered_nano = due_nano
    for commitment in terms.commitments:
        amount_nano, term_id = commitment.amount_nano, commitment.term_id
        covered_nano = min(amount_nano, uncovered_nano)
        uncovered_nano -= covered_nano
        lines.append(Adjustment(LineKind.COMMITMENT_PURCHASE, term_id, 0, amount_nano))
        if covered_nano:
            lines.append(Adjustment(LineKind.COMMITMENT_COVERED, term_id, 0, -covered_nano))
        if closed and covered_nano < amount_nano:
            unused_nano = amount_nano - covered_nano
            lines.append(Adjustment(LineKind.COMMITMENT_UNUSED, term_id, unused_nano, 0))
    for credit in terms.credits:
        taken_nano = min(credit.amount_nano - credit.used_nano, uncovered_nano)
        uncovered_nano -= taken_nano
        if taken_nano:
            lines.append(Adjustment(LineKind.CREDIT, credit.term_id, -taken_nano, -taken_nano))
    return lines


def columns(sums: MonthSums, lines: Iterable[Adjustment]) -> Columns:
    """The four costs of a month with its adjustment lines. Raises ``AmountOutOfRange``."""
    effective_nano = billed_nano = sums.contracted_nano
    for line in lines:
        effective_nano += line.effective_nano
        billed_nano += line.billed_nano
    return Columns(
        check_range(sums.list_nano, "list_cost"),
        check_range(sums.contracted_nano, "contracted_cost"),
        check_range(effective_nano, "effective_cost"),
        check_range(billed_nano, "billed_cost"),
    )


def difference(lines: Iterable[Adjustment], booked: Iterable[Adjustment]) -> list[Adjustment]:
    """What is to be added to what is booked so that it is these lines; nothing of what stays as it is."""
    sums: dict[tuple[LineKind, str], list[int]] = {}
    for sign, some in ((-1, booked), (1, lines)):
        for line in some:
            pair = sums.setdefault((line.kind, line.term_id), [0, 0])
            pair[0] += sign * line.effective_nano
            pair[1] += sign * line.billed_nano
    return [
        Adjustment(kind, term_id, effective, billed)
        for (kind, term_id), (effective, billed) in sums.items()
        if effective or billed
    ]


def accrued(terms: Terms, before: MonthSums, after: MonthSums) -> list[Adjustment]:
    """What the charges between two states of a month add to its lines, without what stays as it is."""
    return difference(settle(terms, after), settle(terms, before))


def _not_negative(amount_nano: int, field: str) -> None:
    if amount_nano < 0:
        raise InvalidAmount(f"{field} ({amount_nano}) must not be negative", field)
    check_range(amount_nano, field)
