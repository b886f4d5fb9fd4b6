"""Recorded operations of a span of time, a page at a time."""

from graph.usage import UsageQuery
from ledger.errors import InvalidInput, NotFound
from ledger.price_commands import REPRICED_MAX
from ledger.view import View
from schema.comparison import CompareModelsInput
from schema.repricing import RepriceInput
from schema.words import instant_us


def span_query(view: View, said: RepriceInput | CompareModelsInput) -> UsageQuery:
    """Which operations of a span that the key sees. Raises ``LedgerError``, ``PricingError``."""
    if not 1 <= said.first <= REPRICED_MAX:
        raise InvalidInput(f"first must be from 1 to {REPRICED_MAX}, not {said.first}", field="first")
    budget = view.get(view.scope_uid) if said.budget_id is None else view.find(said.budget_id)
    if said.budget_id is not None and budget is None:
        raise NotFound(f"There is no budget {said.budget_id}.", field="budget_id")
    query = UsageQuery(
        tenant=view.tree.tenant,
        budget_uid=None if budget is None else budget.uid,
        model_id=said.model_id,
        from_us=instant_us(said.from_, "from"),
        to_us=instant_us(said.to, "to"),
        first=said.first,
    )
    if query.from_us is None or query.to_us is None or query.from_us >= query.to_us:
        raise InvalidInput("from must be before to", field="from")
    return query
