"""``/api/v1/pricing``: the source document's prices, histories, estimates and comparisons.

Prices are per 1,000 here and nowhere else. Answers may be kept for five minutes and carry an ETag; what the
ledger charges never comes from one.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from ledger.access import Permission, Principal
from ledger.errors import InvalidInput, NotFound
from ledger.reservations import parsed
from ledger.usage import Count, Name
from pricing.bounds import load_models
from pricing.calendar import DAY_US
from pricing.estimate import MODELS_MAX, CostEstimate, compare
from pricing.money import from_nano
from pricing.quote import Pricer, Pricing, PricingRequest
from pricing.rates import Card
from pricing.tokens import TokenEstimate
from pricing.view import PricingData, history, pricing_data
from resolvers.context import Context
from resolvers.estimating import PERCENT_PPM, estimated, fee_ppm
from server.limits import read_json
from server.rest.exact import exact_answer, exact_json
from server.rest.words import instant
from server.routes import GuardedRoute, Routes

CACHE: Final = "private, max-age=300"
DAYS_MAX: Final = 366


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelInput(_Input):
    """A provider's model."""

    provider: Name
    model: Name


class CompareInput(_Input):
    """The same call on several models."""

    models: list[ModelInput] = Field(min_length=1, max_length=MODELS_MAX)
    input_tokens: Count = 0
    output_tokens: Count = 0
    platform_fee_percent: Decimal = Field(default=Decimal(5), ge=0, le=100)


class _Asked:
    """What a pricer knows of models, as a source of their histories."""

    def __init__(self, pricer: Pricer) -> None:
        self._pricer = pricer

    def find(self, provider: str | None, model_id: str, at_us: int) -> Card | None:
        """The price of a model at an instant."""
        return self._pricer.card(PricingRequest(at_us, provider, model_id))


class _Door:
    """What is done at each route."""

    def __init__(self, context_of: Callable[[Principal], Context]) -> None:
        self._context_of = context_of

    async def show(self, request: Request, principal: Principal) -> Response:
        """The price of a model now. 404 where nobody knows one."""
        context = self._context_of(principal)
        provider, model = _named(request)
        card = _Asked(await _pricer(context)).find(provider, model, context.services.clock())
        if card is None:
            raise _unknown(provider, model)
        data = pricing_data(card, load_models().find(model))
        return _cached(request, _body(data, card))

    async def past(self, request: Request, principal: Principal) -> Response:
        """``?days=30``: the price at the beginning and every change since, to the hour."""
        context = self._context_of(principal)
        provider, model = _named(request)
        days = _days(request)
        now_us = context.services.clock()
        pricer = await _pricer(context)

        def points() -> list[dict[str, Any]]:
            found = history(
                _Asked(pricer),
                provider,
                model,
                from_us=now_us - days * DAY_US,
                to_us=now_us,
                limits=load_models().find(model),
            )
            authors = principal.scope_uid is None
            return [
                {
                    "from": instant(point.from_us),
                    **_data(point.data),
                    "source": point.data.source,
                    "changed_by": point.data.author if authors else None,
                }
                for point in found
            ]

        shown = await context.read(points)
        if not shown:
            raise _unknown(provider, model)
        body = {"provider": provider, "model_name": model, "days": days, "history": shown}
        # Its first point moves with the clock and says the same: a weak tag leaves that instant out.
        return _cached(request, body, {**body, "history": [{**shown[0], "from": None}, *shown[1:]]})

    async def estimate(self, request: Request, principal: Principal) -> Response:
        """What a call will cost, with an interval, by its text or its tokens."""
        context = self._context_of(principal)
        found = await estimated(context, await _object(request))
        return exact_answer(_estimate(found))

    async def compare(self, request: Request, principal: Principal) -> Response:
        """The same call on several models, by ``provider/model`` in the order asked."""
        context = self._context_of(principal)
        said = parsed(CompareInput, await _object(request))
        found = compare(
            await _pricer(context),
            [(each.provider, each.model) for each in said.models],
            at_us=context.services.clock(),
            input_tokens=said.input_tokens,
            output_tokens=said.output_tokens,
            fee_ppm=fee_ppm(said.platform_fee_percent),
        )
        body = {name: _estimate(each) for name, each in found.items()}
        return exact_answer(body)


def pricing_routes(routes: Routes, context_of: Callable[[Principal], Context]) -> Sequence[GuardedRoute]:
    """The routes about prices."""
    door, needs = _Door(context_of), Permission.READ
    # Model ids hold slashes: the longer path comes first.
    return [
        routes.guarded(
            "GET", "/api/v1/pricing/provider/{provider}/model/{model:path}/history", door.past, needs=needs
        ),
        routes.guarded(
            "GET", "/api/v1/pricing/provider/{provider}/model/{model:path}", door.show, needs=needs
        ),
        routes.guarded("POST", "/api/v1/pricing/estimate", door.estimate, needs=needs),
        routes.guarded("POST", "/api/v1/pricing/compare", door.compare, needs=needs),
    ]


async def _pricer(context: Context) -> Pricer:
    """The caller's prices: those of its own budget's path, else the organisation's."""
    view = await context.load_view()
    prices = await context.read(context.services.prices.get, context.principal.tenant)
    own = view.get(view.scope_uid)
    return prices.pricer(() if own is None else view.tree.chain(own.uid))


def _named(request: Request) -> tuple[str, str]:
    return request.path_params["provider"], request.path_params["model"]


def _days(request: Request) -> int:
    text = request.query_params.get("days", "30")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= DAYS_MAX:
        raise InvalidInput(f"days must be 1 to {DAYS_MAX}, not {text[:20]!r}", field="days")
    return int(text)


def _unknown(provider: str, model: str) -> NotFound:
    return NotFound(f"No price of {provider}/{model} is known.", field="model")


def _data(data: PricingData) -> dict[str, Any]:
    """The source document's keys; its prices are exact, and null where nobody knows."""
    return {
        "provider": data.provider,
        "model_name": data.model_name,
        "pricing_model": data.pricing_model.value,
        "input_price_per_1k": data.input_price_per_1k,
        "output_price_per_1k": data.output_price_per_1k,
        "max_input_tokens": data.max_input_tokens,
        "max_output_tokens": data.max_output_tokens,
        "effective_date": None if data.effective_date is None else f"{data.effective_date}T00:00:00Z",
        "currency": data.currency,
        "price_per_request": data.price_per_request,
        "price_per_character": data.price_per_character,
        "price_per_second": data.price_per_second,
    }


def _body(data: PricingData, card: Card) -> dict[str, Any]:
    body = _data(data)
    body["last_updated"] = instant(card.recorded_at_us) if card.recorded_at_us else body["effective_date"]
    return body


def _cached(request: Request, body: Mapping[str, Any], same: Mapping[str, Any] | None = None) -> Response:
    """An answer that may be kept; ``same`` is what it says where that is equal for different bodies."""
    content = exact_json(body)
    said = content if same is None else exact_json(same)
    tag = f'"{blake2b(said, digest_size=12).hexdigest()}"'
    headers = {"Cache-Control": CACHE, "ETag": tag if same is None else f"W/{tag}"}
    known = request.headers.get("if-none-match", "").split(",")
    if tag in [each.strip().removeprefix("W/") for each in known]:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type="application/json")


async def _object(request: Request) -> Mapping[str, Any]:
    body: Any = await read_json(request)
    if not isinstance(body, dict):
        raise InvalidInput("Send one JSON object.")
    return body  # pyright: ignore[reportUnknownVariableType] - JSON


def _estimate(found: CostEstimate) -> dict[str, Any]:
    """The source document's keys, the interval, and why there is no price where there is none."""
    known_price = found.pricing is Pricing.PRICED

    def money(nano: int) -> Decimal | None:
        return from_nano(nano) if known_price else None

    return {
        "input_tokens": _tokens(found.input_tokens),
        "output_tokens": _tokens(found.output_tokens),
        "base_cost": money(found.base_cost_nano),
        "platform_fee_percent": Decimal(found.platform_fee_ppm) / PERCENT_PPM,
        "platform_fee": money(found.platform_fee_nano),
        "total_cost": money(found.total_cost_nano),
        "currency": found.currency,
        "low": money(found.low_nano),
        "high": money(found.high_nano),
        "pricing": found.pricing.value,
        "reason": None if found.reason is None else found.reason.value,
    }


def _tokens(each: TokenEstimate) -> dict[str, Any]:
    return {
        "token_count": each.token_count,
        "confidence": each.confidence,
        "method": each.method.value,
        "low": each.low,
        "high": each.high,
    }
