"""What calls will cost, how many tokens they will have, and what cost something else than was estimated."""

from dataclasses import replace
from typing import Any

import strawberry

from graph.anomalies import AnomalyPage, AnomalyQuery
from ledger.access import Permission
from ledger.view import View
from resolvers import cursors
from resolvers.estimating import counted, estimated
from resolvers.info import Info
from schema.access import guarded
from schema.anomaly import CostAnomaly, CostAnomalyConnection, CostAnomalyFilter
from schema.estimate import CostEstimate, EstimateInput, TokenEstimate, TokenEstimateInput
from schema.page import PageInfo
from schema.recording import words_of
from schema.words import check_first, instant_us


def said(input: object) -> dict[str, Any]:
    """An input in the words of REST, which calls a model what the source document does."""
    return {"model" if name == "model_id" else name: word for name, word in words_of(input).items()}


def anomaly_query(view: View, wanted: CostAnomalyFilter | None, first: int) -> AnomalyQuery | None:
    """What the graph is asked; None where the key sees no such budget. Raises ``InvalidInput``."""
    tenant, first = view.tree.tenant, check_first(first)
    if wanted is None:
        return AnomalyQuery(tenant, view.scope_uid, first=first)
    budget = view.get(view.scope_uid) if wanted.budget_id is None else view.find(wanted.budget_id)
    if budget is None and (wanted.budget_id is not None or view.scope_uid is not None):
        return None
    return AnomalyQuery(
        tenant,
        None if budget is None else budget.uid,
        wanted.agent_id,
        tuple(wanted.severities or ()),
        instant_us(wanted.from_, "from"),
        instant_us(wanted.to, "to"),
        first=first,
    )


@strawberry.type
class EstimateQueries:
    """What can be known of a call before it is made, and how right that was."""

    @guarded(
        Permission.READ,
        description="What a call will cost, with an interval and the platform's fee. Nothing is held.",
    )
    async def estimate(self, info: Info, input: EstimateInput) -> CostEstimate:
        """What a call will cost."""
        return CostEstimate.of(await estimated(info.context, said(input)))

    @guarded(
        Permission.READ,
        description="How many tokens a text has for a model, a task will use, or an agent's next answer will "
        "have by its last ones; null of an agent that has given none.",
    )
    async def token_estimate(self, info: Info, input: TokenEstimateInput) -> TokenEstimate | None:
        """How many tokens something has."""
        found = await counted(info.context, said(input))
        return None if found is None else TokenEstimate.of(found)

    @guarded(
        Permission.READ,
        description="Operations that cost something else than estimated, as far as the key sees who paid.",
    )
    async def cost_anomalies(
        self, info: Info, filter: CostAnomalyFilter | None = None, first: int = 50, after: str | None = None
    ) -> CostAnomalyConnection:
        """A page of anomalies."""
        context = info.context
        query = anomaly_query(await context.load_view(), filter, first)
        page = AnomalyPage([], None, has_next=False)
        after_key = cursors.after_of(cursors.ANOMALIES, after)
        if query is not None:
            page = await context.read(context.services.anomalies.page, replace(query, after=after_key))
        context.admit(len(page.rows))
        end = None if page.end is None else cursors.cursor_of(cursors.ANOMALIES, page.end)
        return CostAnomalyConnection(
            nodes=[CostAnomaly.of(row) for row in page.rows],
            page_info=PageInfo(has_next_page=page.has_next, end_cursor=end),
        )
