"""``GET /v1/anomalies``: operations that cost something else than was estimated, newest first."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import orjson
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from graph.anomalies import AnomalyPage, AnomalyQuery
from ledger.access import Permission, Principal
from ledger.changes import Deviation
from ledger.reservations import parsed
from ledger.usage import Instant, Name
from pricing.anomaly import Severity
from pricing.calendar import from_datetime
from pricing.money import format_nano
from resolvers import cursors
from resolvers.context import Context
from server.headers import Answer
from server.rest.words import instant
from server.routes import GuardedRoute, Routes

PERCENT_PPM: Final = 10_000
PAGE_MAX: Final = 200


class AnomaliesInput(BaseModel):
    """Which anomalies."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    budget_id: Name | None = None
    agent_id: Name | None = None
    severity: list[Severity] = Field(default_factory=list[Severity])
    from_: Instant | None = Field(default=None, alias="from")
    to: Instant | None = None
    first: int = Field(default=50, ge=1, le=PAGE_MAX)
    after: str | None = None


def anomaly_routes(routes: Routes, context_of: Callable[[Principal], Context]) -> Sequence[GuardedRoute]:
    """The route that lists anomalies."""

    async def page(request: Request, principal: Principal) -> Response:
        """``?budget_id=&agent_id=&severity=high&severity=critical&from=&to=&first=50&after=``."""
        context = context_of(principal)
        said = parsed(AnomaliesInput, _words(request))
        view = await context.load_view()
        budget = view.get(view.scope_uid) if said.budget_id is None else view.find(said.budget_id)
        after = cursors.after_of(cursors.ANOMALIES, said.after)
        found = AnomalyPage([], None, has_next=False)
        if budget is not None or (said.budget_id is None and view.scope_uid is None):
            query = AnomalyQuery(
                principal.tenant,
                None if budget is None else budget.uid,
                said.agent_id,
                tuple(said.severity),
                None if said.from_ is None else from_datetime(said.from_),
                None if said.to is None else from_datetime(said.to),
                first=said.first,
            )
            found = await context.read(context.services.anomalies.page, replace(query, after=after))
        body = {
            "anomalies": [_body(each) for each in found.rows],
            "has_next_page": found.has_next,
            "end_cursor": None if found.end is None else cursors.cursor_of(cursors.ANOMALIES, found.end),
        }
        return Answer(orjson.dumps(body))

    return [routes.guarded("GET", "/v1/anomalies", page, needs=Permission.READ)]


def _words(request: Request) -> Mapping[str, Any]:
    words: dict[str, Any] = dict(request.query_params)
    if "severity" in words:
        words["severity"] = request.query_params.getlist("severity")
    return words


def _body(row: Deviation) -> dict[str, Any]:
    """The source document's keys, and who made it and who paid."""
    found = row.anomaly
    percent = (
        None if found.difference_ppm is None else format_nano(found.difference_ppm * (10**9 // PERCENT_PPM))
    )
    return {
        "request_id": found.request_id,
        "provider": found.provider,
        "model": found.model,
        "estimated_cost": format_nano(found.estimated_cost_nano),
        "actual_cost": format_nano(found.actual_cost_nano),
        "difference_percent": percent,
        "severity": found.severity.value,
        "detected_at": instant(found.detected_at_us),
        "agent_id": row.agent_id,
        "budget_id": row.budget_id,
        "currency": row.currency,
    }
