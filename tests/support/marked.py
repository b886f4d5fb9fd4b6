"""A tenant of which a part is marked: texts begin with ``hush``, figures are 777.7…, 333.3… and 0.00777."""

import re
from dataclasses import dataclass
from typing import Any

import orjson

from resolvers import Services
from tests.support.experiments import experimented
from tests.support.price_documents import holding_source
from tests.support.selections import everything
from tests.support.services import Caller, admin_of, budget, record, usage

MARK = re.compile(r"hush|777\.7|333\.3|0777")


@dataclass(frozen=True)
class World:
    """A tenant with a subtree that is marked, and one that is not."""

    admin: Caller
    ids: dict[str, str]

    @property
    def confined(self) -> Caller:
        """A key that sees what is not marked."""
        return self.admin.confined("web")

    def seen(self) -> Any:
        """All that is there, as somebody sees it who may see everything."""
        names = ("budgets", "agents", "apiKeys", "usage", "experiments", "overrides", "webhookEndpoints")
        shown = {name: self.admin.get(f"{{ {name} {everything(name, 1)} }}")[name] for name in names}
        sources = self.admin.get(f"{{ priceSources {everything('priceSources', 1)} }}")
        held = self.admin.get(f"{{ heldPrices {everything('heldPrices', 1)} }}")
        return (
            sources
            | held
            | {
                name: [node for node in each["nodes"] if marked(node) and "fresh-" not in str(node)]
                for name, each in shown.items()
            }
        )


def marked(value: Any) -> bool:
    return MARK.search(orjson.dumps(value).decode()) is not None


def held_aside(admin: Caller) -> str:
    """The id of a marked reservation; a marked operation is refunded, too."""
    # Above, 0.00777 is spent long ago: nothing can be held there any more.
    budget(admin, "hush-purse", amount="777.7", lowBalanceThreshold="333.3")
    credit = {"idempotencyKey": "hush-credit", "budgetId": "hush-purse", "amount": "777.7"}
    admin.get(
        "mutation($input: TopUpInput!) { topUp(input: $input) { budgetId } }",
        input={**credit, "reason": "hush reason"},
    )
    hold = (
        "mutation($input: ReserveInput!) { reserve(input: $input) { ... on Reservation { reservationId } } }"
    )
    wanted = {"idempotencyKey": "hush-key", "agentId": "hush-agent", "budgetId": "hush-purse"}
    held = admin.get(hold, input={**wanted, "amount": "333.3"})["reserve"]
    refund = "mutation($input: AdjustUsageInput!) { adjustUsage(input: $input) { duplicate } }"
    said = {"idempotencyKey": "hush-refund", "operationId": "hush-op1", "kind": "REFUND", "change": "-0.01"}
    admin.get(refund, input={**said, "reason": "hush reason"})
    return held["reservationId"]


def contracted(admin: Caller) -> None:
    """A marked contract."""
    card = {"cardId": "hush-card", "budgetId": "hush-budget", "model": "hush-model", "reason": "hush reason"}
    put = "mutation($input: RateCardInput!) { createRateCard(input: $input) { version } }"
    admin.get(put, input={**card, "lines": [{"unit": "uncached", "price": "777.7"}]})
    agree = "mutation($input: AgreementInput!) { createAgreement(input: $input) { version } }"
    said = {"agreementId": "hush-agreement", "budgetId": "hush-budget", "fromMonth": "2026-10"}
    credit = [{"termId": "hush credit", "amount": "777.7"}]
    admin.get(agree, input={**said, "credits": credit, "reason": "hush reason"})


def overridden(admin: Caller) -> str:
    """The id of a marked override."""
    create = "mutation($input: CreateOverrideInput!) { createOverride(input: $input) { overrideId } }"
    said = {"idempotencyKey": "hush-override", "budgetId": "hush-budget", "amount": "777.7"}
    until = {"reason": "hush reason", "until": "2100-01-01T00:00:00Z", "userId": "hush-person"}
    return admin.get(create, input={**said, **until, "agentId": "hush-elder"})["createOverride"]["overrideId"]


def hooked(admin: Caller) -> str:
    """The id of a marked webhook endpoint, of all of the tenant's events."""
    create = (
        "mutation($input: CreateWebhookEndpointInput!)"
        " { createWebhookEndpoint(input: $input) { endpoint { endpointId } } }"
    )
    said = {"url": "https://hush.example/hook", "description": "hush hook", "budgetId": "hush-budget"}
    return admin.get(create, input=said)["createWebhookEndpoint"]["endpoint"]["endpointId"]


def _budgets(admin: Caller) -> None:
    budget(admin, "hush-above", amount="0.00777", name="hush", resourceId="hush-platform", priority=7)
    hush = {"name": "hush name", "resourceId": "hush-resource", "amount": "777.777"}
    budget(admin, "hush-budget", "hush-above", **hush)
    budget(admin, "hush-task", "hush-budget", budgetType="TASK", **hush)
    budget(
        admin,
        "hush-user",
        "hush-above",
        **{**hush, "budgetType": "USER", "resourceId": "hush-person", "amount": "0.0000777"},
    )
    budget(admin, "web", "hush-above", amount="10", budgetType="TASK")
    budget(admin, "task", "web", amount="5", budgetType="TASK")


def _agents(admin: Caller) -> None:
    register = "mutation($input: RegisterAgentInput!) { registerAgent(input: $input) { agentId } }"
    for said in (
        {"agentId": "hush-elder", "name": "hush elder"},
        {
            "agentId": "hush-agent",
            "name": "hush name",
            "userId": "hush-person",
            "budgetId": "hush-budget",
            "metadata": {"hush": "777.7"},
            "parentAgentIds": ["hush-elder"],
        },
        {"agentId": "hush-bystander", "name": "hush name", "userId": "hush-person"},
        {"agentId": "own", "budgetId": "web", "parentAgentIds": ["hush-agent"]},
        {"agentId": "hush-child", "budgetId": "hush-budget", "parentAgentIds": ["own"]},
    ):
        admin.get(register, input=said)


def _usage(admin: Caller) -> None:
    hushed = {
        "agentId": "hush-agent",
        "userId": "hush-person",
        "sessionId": "hush-session",
        "region": "hush-region",
        "category": "hush",
        "tags": {"hush": "777.7"},
        "providerCost": "333.333",
        "estimatedCost": "777.7",
    }
    record(
        admin,
        usage("hush-op1", budgetId="hush-task", **hushed),
        usage("hush-op2", **{**hushed, "providerCost": None, "modelId": "hush-model", "provider": "hush"}),
        usage("own-op1", agentId="own", budgetId="web"),
        usage("own-op2", agentId="own", budgetId="task", modelId="unknown", provider="nobody"),
    )


def made(services: Services, tenant: str) -> World:
    """Marked above and beside, unmarked in between."""
    admin = admin_of(services, tenant)
    _budgets(admin)
    _agents(admin)
    _usage(admin)
    create = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { key { keyId } } }"
    said = {"name": "hush key", "role": "ADMIN", "budgetId": "hush-budget"}
    key = admin.get(create, input=said)["createApiKey"]["key"]["keyId"]
    admin.get(create, input={"name": "own key", "role": "VIEWER", "budgetId": "web"})
    contracted(admin)
    experimented(admin)
    ids = {
        "source": "hush-source",
        "held": holding_source(services.price_sources, tenant, "hush-source", "hush"),
        "experiment": "hush-experiment",
        "selection": "hush-selection",
        "reservation": held_aside(admin),
        "reserved": "hush-key",
        "adjusted": "hush-refund",
        "granted": "hush-override",
        "credit": "hush-credit",
        "budget": "hush-budget",
        "above": "hush-above",
        "agent": "hush-agent",
        "bystander": "hush-bystander",
        "operation": "hush-op1",
        "session": "hush-session",
        "user": "hush-person",
        "model": "hush-model",
        "key": key,
        "card": "hush-card",
        "agreement": "hush-agreement",
        "override": overridden(admin),
        "webhook": hooked(admin),
        "tenant": tenant,
    }
    return World(admin, ids)
