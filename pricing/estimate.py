"""What a call will cost, before it is made: with an interval, the platform's fee, and beside other models.

The fee belongs to estimates alone. The ledger charges one only where a contract's card says so.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from pricing.errors import ImpossibleCount
from pricing.modes import Mode
from pricing.money import check_range, round_ratio
from pricing.quote import Pricer, Pricing, PricingRequest, Quote, Reason
from pricing.rates import FEE_SCALE
from pricing.tokens import TokenEstimate, known
from pricing.units import TokenCounts

PLATFORM_FEE_PPM: Final = 50_000
"""The source document's 5 %."""
MODELS_MAX: Final = 100
"""How many models are compared at once."""


class Quoting(Protocol):
    """Who says what an operation costs: a ``Pricer``, or one in another currency."""

    def quote(self, request: PricingRequest) -> Quote:
        """The cost of one operation."""
        ...


class CostEstimate(NamedTuple):
    """The source document's estimate; money in nano-units of ``currency``. Amounts are 0 where unpriced."""

    input_tokens: TokenEstimate
    output_tokens: TokenEstimate
    base_cost_nano: int
    platform_fee_ppm: int
    platform_fee_nano: int
    total_cost_nano: int
    currency: str
    low_nano: int
    """The total at the lower ends of both intervals."""
    high_nano: int
    pricing: Pricing
    reason: Reason | None
    quote: Quote


class Compared(NamedTuple):
    """One model's cost of a workload beside what it is compared with."""

    total_nano: int
    savings_nano: int
    """What it saves; negative where it costs more."""
    savings_ppm: int | None
    """The same in parts per million of what it is compared with; None where that is 0."""
    cost_per_token_nano: int | None
    """Rounded; None without tokens."""
    tokens: int
    operations: int
    unpriced: int
    """Operations that it has no price for, and which are in no sum here."""


def with_fee(base_nano: int, fee_ppm: int = PLATFORM_FEE_PPM) -> tuple[int, int]:
    """The platform's fee on an amount, and both together."""
    if not 0 <= fee_ppm <= FEE_SCALE:
        raise ImpossibleCount(f"a fee of {fee_ppm} ppm must be 0 to {FEE_SCALE}", "platform_fee_percent")
    fee_nano = round_ratio(base_nano * fee_ppm, FEE_SCALE)
    return fee_nano, check_range(base_nano + fee_nano, "total_cost")


def estimate_cost(
    pricer: Quoting,
    *,
    at_us: int,
    provider: str | None,
    model_id: str,
    input_tokens: TokenEstimate,
    output_tokens: TokenEstimate,
    fee_ppm: int = PLATFORM_FEE_PPM,
    mode: Mode = Mode.STANDARD,
) -> CostEstimate:
    """What a call costs by its lengths, priced apart. Raises a ``PricingError`` for what cannot be."""

    def quote(sent: int, made: int) -> Quote:
        counts = TokenCounts.from_billed(prompt_tokens=sent, completion_tokens=made)
        return pricer.quote(PricingRequest(at_us, provider, model_id, counts, mode=mode))

    likely = quote(input_tokens.token_count, output_tokens.token_count)
    ends = quote(input_tokens.low, output_tokens.low), quote(input_tokens.high, output_tokens.high)
    fee_nano, total_nano = with_fee(likely.total_nano, fee_ppm)
    return CostEstimate(
        input_tokens,
        output_tokens,
        likely.total_nano,
        fee_ppm,
        fee_nano,
        total_nano,
        likely.currency,
        with_fee(ends[0].total_nano, fee_ppm)[1],
        with_fee(ends[1].total_nano, fee_ppm)[1],
        likely.pricing,
        likely.reason,
        likely,
    )


def compare(
    pricer: Pricer,
    models: Sequence[tuple[str, str]],
    *,
    at_us: int,
    input_tokens: int,
    output_tokens: int,
    fee_ppm: int = PLATFORM_FEE_PPM,
) -> dict[str, CostEstimate]:
    """The same call on several models, by ``provider/model`` in the order asked."""
    if len(models) > MODELS_MAX:
        raise ImpossibleCount(f"{len(models)} models are more than {MODELS_MAX}", "models")
    return {
        f"{provider}/{model}": estimate_cost(
            pricer,
            at_us=at_us,
            provider=provider,
            model_id=model,
            input_tokens=known(input_tokens),
            output_tokens=known(output_tokens),
            fee_ppm=fee_ppm,
        )
        for provider, model in models
    }


class Workload:
    """Recorded usage that is priced on other models as it streams by: what would last month have cost on X.

    ``charged_nano`` is what each operation did cost, in the currency of the prices. An operation that a
    model does not price counts on neither side of that model's comparison.
    """

    def __init__(self, pricer: Pricer, models: Sequence[tuple[str, str]], currency: str = "USD") -> None:
        """``pricer`` prices what is added without one of its own; a price in another currency is none."""
        if len(models) > MODELS_MAX:
            raise ImpossibleCount(f"{len(models)} models are more than {MODELS_MAX}", "models")
        self._pricer = pricer
        self._currency = currency
        self._sums = {
            model: [0, 0, 0, 0, 0] for model in models
        }  # total, charged, tokens, operations, unpriced

    def add(self, usage: Iterable[tuple[PricingRequest, int]], pricer: Pricer | None = None) -> None:
        """Price these operations on every model, under whose contracts ``pricer`` says."""
        own = self._pricer if pricer is None else pricer
        for request, charged_nano in usage:
            tokens = request.counts.total_tokens
            for (provider, model), sums in self._sums.items():
                moved = request._replace(provider=provider, model_id=model, provider_cost_nano=None)
                quote = own.quote(moved)
                if quote.pricing is not Pricing.PRICED or quote.currency != self._currency:
                    sums[4] += 1
                    continue
                sums[0] += quote.total_nano
                sums[1] += charged_nano
                sums[2] += tokens
                sums[3] += 1

    def compared(self) -> Mapping[str, Compared]:
        """The sums so far, by ``provider/model``."""
        found: dict[str, Compared] = {}
        for (provider, model), (total, charged, tokens, operations, unpriced) in self._sums.items():
            saved = charged - total
            found[f"{provider}/{model}"] = Compared(
                check_range(total, "total_cost"),
                saved,
                round_ratio(saved * FEE_SCALE, charged) if charged > 0 else None,
                round_ratio(total, tokens) if tokens else None,
                tokens,
                operations,
                unpriced,
            )
        return found
