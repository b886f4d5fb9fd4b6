"""Estimates: what a call will cost before it is made, by its text or tokens, whoever pays. One door for all.

Lengths that nobody knows are told by the agent's own answers, where it has any: their median, and as the
interval what the middle 80 % of them had.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from graph.usage import UsageQuery
from ledger.errors import InvalidInput, NotFound
from ledger.model import uid_of
from ledger.reservations import parsed
from ledger.usage import Count, Name
from pricing.currency import ExchangeRates, charge_in
from pricing.estimate import PLATFORM_FEE_PPM, CostEstimate, estimate_cost
from pricing.modes import Mode
from pricing.money import validate_currency
from pricing.quote import Pricer, PricingRequest, Quote
from pricing.rates import FEE_SCALE
from pricing.tokens import TEXT_MAX, TokenEstimate, by_history, by_task, estimate_tokens, known
from resolvers.request import Request

HISTORY_ANSWERS: Final = 200
"""How many of an agent's own answers tell how long the next one will be."""
CRITERIA_MAX: Final = 100
"""Of a task."""
PERCENT_PPM: Final = FEE_SCALE // 100

Text = Annotated[str, Field(max_length=TEXT_MAX)]
Percent = Annotated[Decimal, Field(ge=0, le=100)]


class TokensInput(BaseModel):
    """A text, a task, or an agent's next answer, of which one wants to know the tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Name | None = None
    text: Text | None = None
    task_description: Text | None = None
    task_criteria: list[Text] = Field(default_factory=list[str], max_length=CRITERIA_MAX)
    agent_id: Name | None = None


class EstimateInput(BaseModel):
    """A call that might be made, in the words of REST."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: Name | None = None
    model: Name
    input_text: Text | None = None
    input_tokens: Count | None = None
    expected_output_tokens: Count | None = None
    agent_id: Name | None = None
    """Whose own answers tell how long the next one will be."""
    budget_id: Name | None = None
    """Who would pay: its contracts and its currency."""
    mode: Name | None = None
    currency: str | None = None
    platform_fee_percent: Percent = Decimal(PLATFORM_FEE_PPM) / PERCENT_PPM


class _InCurrency:
    """A pricer whose quotes are in one currency, at the rate of their day."""

    def __init__(self, pricer: Pricer, currency: str, rates: ExchangeRates) -> None:
        self._pricer = pricer
        self._currency = currency
        self._rates = rates

    def quote(self, request: PricingRequest) -> Quote:
        """The cost of one operation."""
        return charge_in(self._pricer.quote(request), self._currency, self._rates, request.at_us)


async def estimated(request: Request, words: Mapping[str, Any]) -> CostEstimate:
    """What a call will cost. Raises ``LedgerError`` and ``PricingError`` for what cannot be."""
    said = parsed(EstimateInput, words)
    if said.currency is not None:
        validate_currency(said.currency, "currency")
    sent, made = await _lengths(request, said)
    view = await request.load_view()
    budget = view.get(view.scope_uid) if said.budget_id is None else view.find(said.budget_id)
    if budget is None and said.budget_id is not None:
        raise NotFound(f"There is no budget {said.budget_id}.", field="budget_id")
    prices = await request.read(request.services.prices.get, request.principal.tenant)
    pricer = prices.pricer(() if budget is None else view.tree.chain(budget.uid))
    currency = said.currency or (None if budget is None else budget.currency)
    return estimate_cost(
        pricer if currency is None else _InCurrency(pricer, currency, prices.rates),
        at_us=request.services.clock(),
        provider=said.provider,
        model_id=said.model,
        input_tokens=sent,
        output_tokens=made,
        fee_ppm=fee_ppm(said.platform_fee_percent),
        mode=Mode.of(said.mode),
    )


async def counted(request: Request, words: Mapping[str, Any]) -> TokenEstimate | None:
    """How many tokens something has; None of an agent that has given no answer. Raises ``LedgerError``."""
    said = parsed(TokensInput, words)
    if [said.text is None, said.task_description is None, said.agent_id is None].count(False) != 1:
        raise InvalidInput("say text, task_description or agent_id, one of the three", field="text")
    if said.text is not None:
        return await request.read(estimate_tokens, said.text, said.model)
    if said.task_description is not None:
        return await request.read(by_task, said.task_description, said.task_criteria, said.model)
    return await history_of(request, said.agent_id or "", said.model)


async def _lengths(request: Request, said: EstimateInput) -> tuple[TokenEstimate, TokenEstimate]:
    """How long the call and its answer will be."""
    if (said.input_text is None) == (said.input_tokens is None):
        raise InvalidInput("say input_text or input_tokens, one of the two", field="input_tokens")
    made = await _answer(request, said)
    if said.input_text is None:
        return known(said.input_tokens or 0), made
    return await request.read(estimate_tokens, said.input_text, said.model), made


async def _answer(request: Request, said: EstimateInput) -> TokenEstimate:
    """As long as the caller expects, else as the agent's own answers were."""
    if said.expected_output_tokens is not None:
        return known(said.expected_output_tokens)
    found = None
    if said.agent_id is not None:
        found = await history_of(request, said.agent_id, said.model)
    if found is None:
        text = "the answer's length is not known: say expected_output_tokens, or whose it is: agent_id"
        raise InvalidInput(text, field="expected_output_tokens")
    return found


async def history_of(request: Request, agent_id: str, model_id: str | None) -> TokenEstimate | None:
    """How long an agent's next answer will be by those that the caller sees; None where it has none."""
    principal = request.principal
    query = UsageQuery(
        principal.tenant,
        budget_uid=principal.scope_uid,
        agent_uid=uid_of(principal.tenant, agent_id),
        model_id=model_id,
        first=HISTORY_ANSWERS,
    )
    page = await request.read(request.services.usage.page, query)
    return by_history(row["completion_tokens"] for row in page.rows if row["completion_tokens"])


def fee_ppm(percent: Decimal) -> int:
    """A fee in parts per million. Raises ``InvalidInput`` for more than four decimals."""
    ppm = percent * PERCENT_PPM
    if ppm != ppm.to_integral_value() or not 0 <= ppm <= FEE_SCALE:
        raise InvalidInput(f"{percent} % must have at most four decimals", field="platform_fee_percent")
    return int(ppm)
