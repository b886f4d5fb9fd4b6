"""No key reaches, or infers, anything of another tenant or of another subtree.

Everything that is not the caller's is marked: its texts begin with ``hush``, its figures are 777.7…,
333.3… and 0.00777.
Every root field is asked for all that its type has, with ids that are not the caller's and with ids that
nobody has. No answer may hold a mark, and the two answers must be the same, word for word. A new root
field fails here until it is probed.
"""

import base64
import re
from collections.abc import Generator
from pathlib import Path

import orjson
import pytest

from graph.database import Database
from insight.rollups import Dimension
from resolvers import Services
from tests.support.marked import MARK, World, made, marked
from tests.support.selections import everything, root_fields
from tests.support.services import Answer, Caller, admin_of, budget, open_services, record, usage

PLACE = re.compile(r"<(\w+)>")
CURSOR = re.compile(r'"endCursor":"([^"]+)"')
CALL = 'capabilityType: "chat", outcome: ERROR, modelId: "gpt-4o"'
LINES = 'lines: [{unit: "*", discountPercent: "1"}]'
ONTO = 'models: [{provider: "openai", modelId: "gpt-4o"}], from: "2020-01-01T00:00:00Z", to: <later>'
EGRESS = 'unit: "egress_gb", quantity: "1"'
NOWHERE = "nowhere-{}"
VOLATILE = re.compile(
    r'"(?:\d{4}-\d\d-\d\dT[0-9:.]+Z|cg_[\w-]+|[0-9a-f]{16}|[0-9a-f]{32}|WzE[\w-]+|fresh-\d+)"'
)

PROBES: dict[str, tuple[str, ...]] = {
    "budget": ("budgetId: <budget>", "budgetId: <above>"),
    "budgets": ("", "rootsOnly: true", "after: <cursor>"),
    "agent": ("agentId: <agent>", "agentId: <bystander>"),
    "agents": ("",),
    "usage": (
        "",
        "filter: {budgetId: <budget>}",
        "filter: {budgetId: <above>}",
        "filter: {agentId: <agent>}",
        "filter: {sessionId: <session>}",
        "filter: {userId: <user>}",
        "filter: {modelId: <model>}",
        "filter: {pricing: UNPRICED}",
        'filter: {pricing: UNPRICED, agentId: <agent>, from: "2020-01-01T00:00:00Z"}',
    ),
    "session": ("sessionId: <session>",),
    "delegation": (
        "operationId: <operation>",
        "agentId: <agent>",
        "agentId: <bystander>",
        'agentId: <agent>, from: "2020-01-01T00:00:00Z", to: <later>',
        "sessionId: <session>",
    ),
    "webhookEndpoints": ("",),
    "webhookDeadLetters": ("endpointId: <webhook>",),
    "createWebhookEndpoint": (
        'input: {url: "https://example.com/", budgetId: <budget>}',
        'input: {url: "https://example.com/", budgetId: <above>}',
    ),
    "updateWebhookEndpoint": ("input: {endpointId: <webhook>, enabled: false}",),
    "rotateWebhookSecret": ("endpointId: <webhook>",),
    "deleteWebhookEndpoint": ("endpointId: <webhook>",),
    "replayDeadLetters": ("endpointId: <webhook>",),
    "quotaUsage": ("budgetId: <budget>", "budgetId: <above>"),
    "reservation": ("reservationId: <reservation>",),
    "ledgerCheck": ("", "budgetId: <budget>", "budgetId: <above>"),
    "apiKeys": ("",),
    "auditLog": ("", "budgetId: <budget>", "budgetId: <above>"),
    "archives": ("",),
    "archiveOrphans": ("",),
    "archivedOperation": ("operationId: <operation>",),
    "archiveUsage": ("input: {olderThanDays: 35, dryRun: false}", "input: {olderThanDays: 35}"),
    "createBudget": ("input: {budgetId: <fresh>, parentBudgetId: <budget>, budgetType: TASK}",),
    "updateBudget": (
        'input: {budgetId: <budget>, amount: "1"}',
        'input: {budgetId: <above>, amount: "1"}',
    ),
    "moveBudget": (
        "budgetId: <budget>",
        "budgetId: <budget>, newParentBudgetId: <own>",
        "budgetId: <own>, newParentBudgetId: <budget>",
        "budgetId: <own>, newParentBudgetId: <above>",
    ),
    "closeBudget": ("budgetId: <budget>", "budgetId: <above>"),
    "registerAgent": (
        "input: {agentId: <fresh>, budgetId: <budget>}",
        "input: {agentId: <fresh>, parentAgentIds: [<agent>]}",
    ),
    "recordUsage": (
        "input: {operationId: <fresh>, agentId: <own>, budgetId: <budget>, <call>}",
        "input: {operationId: <fresh>, agentId: <agent>, <call>}",
        "input: {operationId: <fresh>, agentId: <own>, parentOperationId: <operation>, <call>}",
    ),
    "recordUsages": (
        "inputs: [{operationId: <fresh>, agentId: <bystander>, budgetId: <above>, <call>}]",
        "inputs: [{operationId: <fresh>, agentId: <own>, sessionId: <session>, <call>}]",
    ),
    "reserve": (
        "input: {idempotencyKey: <fresh>, agentId: <own>, budgetId: <budget>, amount: <cent>}",
        "input: {idempotencyKey: <fresh>, agentId: <own>, budgetId: <above>, amount: <cent>}",
        "input: {idempotencyKey: <fresh>, agentId: <agent>, amount: <cent>, dryRun: true}",
        "input: {idempotencyKey: <fresh>, agentId: <bystander>, budgetId: <own>, amount: <cent>}",
        "input: {idempotencyKey: <fresh>, agentId: <own>, modelId: <model>, promptTokens: 1, dryRun: true}",
    ),
    "settle": (
        "input: {reservationId: <reservation>, usages: []}",
        "input: {reservationId: <reservation>, usages: [{operationId: <fresh>, agentId: <agent>, <call>}]}",
    ),
    "stream": (
        "input: {reservationId: <reservation>, model: <model>, <openai>, totalTokens: 5}",
        "input: {reservationId: <reservation>, model: <model>, <openai>, usage: {completionTokens: 5}}",
    ),
    "extend": ("input: {reservationId: <reservation>, idempotencyKey: <fresh>, addAmount: <cent>}",),
    "release": ("reservationId: <reservation>",),
    "adjustUsage": (
        "input: {idempotencyKey: <fresh>, operationId: <operation>, kind: REFUND, change: <less>}",
        "input: {idempotencyKey: <fresh>, operationId: <operation>, kind: CREDIT, change: <less>, entry: 2}",
        "input: {idempotencyKey: <adjusted>, operationId: <operation>, kind: REFUND, change: <less>}",
    ),
    "increaseLimit": (
        "input: {idempotencyKey: <fresh>, budgetId: <budget>, amount: <cent>, until: <later>}",
        "input: {idempotencyKey: <fresh>, budgetId: <above>, amount: <cent>, until: <later>}",
    ),
    "overrides": ("", "budgetId: <budget>", "budgetId: <above>", "state: ACTIVE"),
    "createOverride": (
        'input: {idempotencyKey: <fresh>, budgetId: <budget>, amount: <cent>, reason: "r", until: <later>}',
        'input: {idempotencyKey: <fresh>, budgetId: <above>, amount: <cent>, reason: "r", until: <later>}',
    ),
    "revokeOverride": ("overrideId: <override>",),
    "topUp": (
        "input: {idempotencyKey: <fresh>, budgetId: <budget>, amount: <cent>}",
        "input: {idempotencyKey: <fresh>, budgetId: <above>, amount: <cent>}",
        "input: {idempotencyKey: <fresh>, budgetId: <budget>, amount: <less>}",
        "input: {idempotencyKey: <credit>, budgetId: <budget>, amount: <cent>}",
    ),
    "operation": ("operationId: <operation>",),
    "rateCards": ("", "budgetId: <budget>", "budgetId: <above>", "cardId: <card>"),
    "exchangeRates": ("",),
    "displayedAmounts": ('amounts: ["1"], currency: "EUR", displayCurrency: "USD"',),
    "priceFiles": ("",),
    "priceSources": ("",),
    "heldPrices": ("", "sourceId: <source>", "state: REJECTED"),
    "putPriceSource": (
        'input: {sourceId: <source>, kind: CATALOGUE, location: "catalogue:", everySeconds: null, <openai>}',
    ),
    "removePriceSource": ("sourceId: <source>",),
    "refreshPriceSource": ("sourceId: <source>",),
    "approveHeldPrices": ("heldIds: [<held>]",),
    "rejectHeldPrices": ("heldIds: [<held>]",),
    "quote": (
        "input: {budgetId: <budget>, modelId: <model>, promptTokens: 1}",
        "input: {budgetId: <above>, modelId: <model>, promptTokens: 1}",
        "input: {modelId: <model>, promptTokens: 1}",
    ),
    "estimate": (
        "input: {budgetId: <budget>, modelId: <model>, inputTokens: 1, expectedOutputTokens: 1}",
        "input: {budgetId: <above>, modelId: <model>, inputTokens: 1, expectedOutputTokens: 1}",
        "input: {modelId: <model>, inputTokens: 1, agentId: <agent>}",
    ),
    "tokenEstimate": ("input: {agentId: <agent>}", "input: {agentId: <agent>, modelId: <model>}"),
    "costAnomalies": (
        "",
        "filter: {budgetId: <budget>}",
        "filter: {budgetId: <above>}",
        "filter: {agentId: <agent>}",
    ),
    "createRateCard": (
        "input: {cardId: <fresh>, budgetId: <budget>, model: <model>, <lines>}",
        "input: {cardId: <fresh>, budgetId: <above>, model: <model>, <lines>}",
    ),
    "updateRateCard": ("input: {cardId: <card>, model: <own>, <lines>}",),
    "withdrawRateCard": ("cardId: <card>",),
    "addExchangeRates": ("input: {}",),
    "importPriceFile": ("input: {content: <own>}",),
    "costBreakdown": ("budgetId: <budget>", "budgetId: <above>", "budgetId: <budget>, userId: <user>"),
    "recordResourceUsage": (
        "input: {operationId: <fresh>, agentId: <own>, budgetId: <budget>, <egress>}",
        "input: {operationId: <fresh>, agentId: <agent>, budgetId: <above>, <egress>}",
    ),
    "compareModels": (
        "input: {<onto>, budgetId: <budget>}",
        "input: {<onto>, budgetId: <above>}",
        "input: {<onto>, modelId: <model>}",
    ),
    "reprice": (
        'input: {from: "2026-01-01T00:00:00Z", to: <later>, budgetId: <budget>, dryRun: false}',
        'input: {from: "2026-01-01T00:00:00Z", to: <later>, modelId: <model>, dryRun: false}',
    ),
    "agreements": ("", "budgetId: <budget>", "budgetId: <above>", "agreementId: <agreement>"),
    "monthlyCosts": ("budgetId: <budget>", "budgetId: <above>", 'budgetId: <budget>, month: "2026-11"'),
    "createAgreement": (
        'input: {agreementId: <fresh>, budgetId: <budget>, fromMonth: "2026-11"}',
        'input: {agreementId: <fresh>, budgetId: <above>, fromMonth: "2026-11"}',
    ),
    "updateAgreement": ('input: {agreementId: <agreement>, budgetId: <own>, fromMonth: "2026-11"}',),
    "withdrawAgreement": ("agreementId: <agreement>",),
    "closeMonths": ("agreementId: <agreement>", 'agreementId: <agreement>, month: "2026-10"'),
    "createApiKey": (
        "input: {name: <own>, role: ADMIN, budgetId: <budget>}",
        "input: {name: <own>, role: VIEWER, budgetId: <above>}",
        "input: {name: <own>, role: VIEWER, tenant: <tenant>}",
    ),
    "revokeApiKey": ("keyId: <key>", "keyId: <key>, tenant: <tenant>"),
    "experiment": ("experimentId: <experiment>",),
    "experiments": ("",),
    "costAwarePrompt": (
        "budgetId: <budget>",
        "budgetId: <above>",
        "agentId: <agent>, experimentId: <experiment>",
    ),
    "createExperiment": (
        "input: {experimentId: <fresh>, budgetId: <budget>}",
        "input: {experimentId: <fresh>, budgetId: <above>}",
    ),
    "recordLineage": (
        "experimentId: <experiment>, agents: [{agentId: <fresh>}]",
        "experimentId: <lab>, agents: [{agentId: <fresh>, parentAgentIds: [<agent>]}]",
    ),
    "recordEvaluations": (
        "experimentId: <experiment>, evaluations: [{evaluationId: <fresh>, agentId: <own>, taskId: <own>}]",
        "experimentId: <lab>, evaluations: [{evaluationId: <fresh>, agentId: <agent>, taskId: <own>}]",
        (
            "experimentId: <lab>, evaluations: [{evaluationId: <fresh>, agentId: <member>, taskId: <own>,"
            " operationIds: [<operation>]}]"
        ),
        (
            "experimentId: <lab>, evaluations: [{evaluationId: <fresh>, agentId: <member>, taskId: <own>,"
            " sessionId: <session>}]"
        ),
    ),
    "freezeExperiment": ("experimentId: <experiment>",),
    "selectAgents": (
        'input: {experimentId: <experiment>, selector: "truncation", k: 1}',
        'input: {experimentId: <lab>, selector: "truncation", k: 1, selectionId: <selection>}',
        'input: {experimentId: <lab>, selector: "truncation", k: 1, agentIds: [<agent>]}',
    ),
}
"""Arguments of every root field. ``fresh`` is an id of the caller's own, another at every call."""

TAKEN_BY_OTHERS: dict[str, tuple[str, ...]] = {
    "createBudget": ("input: {budgetId: <budget>, parentBudgetId: <own>, budgetType: TASK}",),
    "registerAgent": ("input: {agentId: <agent>, name: <own>}",),
    "recordUsage": ("input: {operationId: <operation>, agentId: <own>, <call>}",),
    "createOverride": (
        ('input: {idempotencyKey: <granted>, budgetId: "web", amount: <cent>, reason: "r", until: <later>}'),
    ),
    "reserve": ("input: {idempotencyKey: <reserved>, agentId: <own>, amount: <cent>}",),
    "createExperiment": ("input: {experimentId: <experiment>, budgetId: <lab>}",),
    "recordLineage": ("experimentId: <lab>, agents: [{agentId: <agent>}]",),
}
"""Probes with ids that are unique in a tenant: in the caller's own tenant they may be refused as taken."""


@pytest.fixture
def services(database: Database, tmp_path: Path) -> Generator[Services]:
    with open_services(database, archive_dir=tmp_path / "archive") as opened:
        yield opened


@pytest.fixture
def world(services: Services, tenant: str) -> World:
    return made(services, f"{tenant}x")


@pytest.fixture
def stranger(services: Services, tenant: str) -> Caller:
    """An admin of another tenant, whose name begins the marked one's, with a budget of its own."""
    admin = admin_of(services, tenant)
    budget(admin, "web", amount="10")
    return admin


class Prober:
    """Asks with ids of others, and with ids of nobody."""

    def __init__(self, caller: Caller, others: dict[str, str]) -> None:
        self.caller = caller
        self.others = others
        self.nobodys = {name: NOWHERE.format(name) for name in others}
        self.asked = 0

    def answers(self, field: str, arguments: str, depth: int = 3) -> tuple[str, ...]:
        """Both answers, without the ids that were sent and without what differs at every call."""
        return tuple(self._answer(field, arguments, ids, depth) for ids in (self.others, self.nobodys))

    def _answer(self, field: str, arguments: str, ids: dict[str, str], depth: int) -> str:
        self.asked += 1
        own = {
            "fresh": f"fresh-{self.asked}",
            "own": "web",
            "cursor": "WzEsImJ1ZGdldHMiLCJhIl0",
            "cent": "0.01",
            "less": "-0.01",
            "later": "2100-01-01T00:00:00Z",
            "lab": "lab",
            "member": "own",
        }
        said = (
            arguments.replace("<call>", CALL)
            .replace("<onto>", ONTO)
            .replace("<lines>", LINES)
            .replace("<egress>", EGRESS)
            .replace("<openai>", 'provider: "openai"')
        )
        said = PLACE.sub(lambda place: f'"{({**ids, **own})[place[1]]}"', said)
        call = f"{field}({said})" if said else field
        answer = self.caller.ask(f"{root_fields()[field]} {{ {call} {everything(field, depth)} }}")
        return self._without(answer)

    def _without(self, answer: Answer) -> str:
        sent = [*self.others.items(), *self.nobodys.items()]
        text = orjson.dumps([answer.data, answer.errors]).decode()
        text += " ".join(base64.urlsafe_b64decode(each + "===").decode() for each in CURSOR.findall(text))
        for name, each in sorted(sent, key=lambda item: -len(item[1])):
            text = text.replace(f'"{each}"', f'"<{name}>"').replace(f" {each}", f" <{name}>")
        return VOLATILE.sub('"<volatile>"', text)


def test_every_root_field_is_probed() -> None:
    assert PROBES.keys() == root_fields().keys()


def test_a_confined_key_learns_nothing_of_other_subtrees(world: World) -> None:
    before = world.seen()
    prober = Prober(world.confined, {**world.ids, "tenant": "another"})
    for field, probes in PROBES.items():
        for arguments in probes:
            others, nobodys = prober.answers(field, arguments)
            assert others == nobodys, f"{field}({arguments}) tells that it exists"
            assert not MARK.search(others), f"{field}({arguments}) tells {MARK.findall(others)}"
    for field, probes in TAKEN_BY_OTHERS.items():
        for arguments in probes:
            others, _ = prober.answers(field, arguments)
            assert not MARK.search(others), f"{field}({arguments}) tells {MARK.findall(others)}"
            assert "CONFLICT" in others or "OperationConflict" in others
    assert world.seen() == before


def test_another_tenant_learns_nothing_at_all(world: World, stranger: Caller) -> None:
    before = world.seen()
    prober = Prober(stranger, world.ids)
    # What is made with the ids of others stays: of that, only the thing itself is compared.
    for probed, depth in ((PROBES, 3), (TAKEN_BY_OTHERS, 0)):
        for field, probes in probed.items():
            for arguments in probes:
                others, nobodys = prober.answers(field, arguments, depth)
                assert others == nobodys, f"{field}({arguments}) tells that it exists"
                assert not MARK.search(others), f"{field}({arguments}) tells {MARK.findall(others)}"
    assert world.seen() == before


def test_the_marks_are_there_for_those_who_may_see_them(world: World) -> None:
    prober = Prober(world.admin, {})
    listed = ("budgets", "agents", "usage", "apiKeys", "experiments")
    sources = ("priceSources", "heldPrices")
    for field in (*listed, *sources, "costAnomalies", "agreements", "overrides", "webhookEndpoints"):
        assert marked(prober.caller.get(f"{{ {field} {everything(field)} }}"))
    own = world.confined.get(f'{{ budget(budgetId: "web") {everything("budget")} }}')["budget"]
    assert (own["childCount"], own["status"]["spent"]) == (2, "0.0035")


def test_a_rollup_names_nothing_above_or_beside(world: World) -> None:
    for dimension in Dimension:
        rollup = f"rollup(by: [{dimension.value}]) {{ rows {{ keys {{ value }} }} }}"
        text = f'{{ budget(budgetId: "web") {{ {rollup} }} }}'
        rows = world.confined.get(text)["budget"]["rollup"]["rows"]
        assert rows != []
        assert not marked(rows), f"{dimension.value} tells {rows}"
    project = '{ budget(budgetId: "web") { rollup(by: [PROJECT]) { rows { keys { value } } } } }'
    assert marked(world.admin.get(project))


def test_warnings_tell_nothing_of_budgets_above_or_beside(world: World) -> None:
    said = usage("fresh-op", agentId="own", budgetId="web", userId="hush-person")
    (whole,) = record(world.admin, said)
    assert [each["budgetId"] for each in whole["warnings"]] == ["hush-above", "hush-user"]
    (again,) = record(world.confined, said)
    (fresh,) = record(world.confined, {**said, "operationId": "fresher-op"})
    for each in (again, fresh):
        assert len(each["warnings"]) == 2
        assert not marked(each["warnings"])
        assert {warning["code"] for warning in each["warnings"]} == {"BUDGET_EXCEEDED"}
        assert all(warning["limit"] is None and warning["spent"] is None for warning in each["warnings"])


def test_naming_an_agent_of_others_does_not_tell_what_they_said_of_it(world: World) -> None:
    for agent in ("hush-agent", "hush-bystander"):
        record(world.confined, usage(f"with-{agent}", agentId=agent, budgetId="web"))
    shown = world.confined.get(f"{{ agents {everything('agents')} usage {everything('usage')} }}")
    agents = {node["agentId"]: node for node in shown["agents"]["nodes"]}
    assert {"hush-agent", "hush-bystander"} <= agents.keys()
    for name in ("hush-agent", "hush-bystander"):
        assert not marked(
            {key: value for key, value in agents[name].items() if key not in {"agentId", "children"}}
        )
    assert {node["userId"] for node in shown["usage"]["nodes"]} == {None}


def test_a_refusal_by_limits_above_names_none_of_them(world: World) -> None:
    ask = f"""mutation($input: ReserveInput!) {{ reserve(input: $input) {everything("reserve")} }}"""
    said = {"agentId": "own", "budgetId": "web", "amount": "0.01", "userId": "hush-person"}
    whole = world.admin.get(ask, input={**said, "idempotencyKey": "whole"})["reserve"]
    assert [each["budgetId"] for each in whole["violations"]] == ["hush-above", "hush-user"]
    confined = world.confined.get(ask, input={**said, "idempotencyKey": "confined"})["reserve"]
    assert confined["__typename"] == "BudgetExceeded"
    assert not marked(confined)
    for each in confined["violations"]:
        assert (each["budgetId"], each["redacted"], each["requested"]) == (None, True, "0.01")
        assert {each[name] for name in ("limit", "spent", "reserved", "available", "projectedTotal")} == {"0"}


def test_a_confined_key_sees_of_an_experiment_what_is_in_its_subtree(world: World) -> None:
    shown = world.confined.get(f"{{ experiments {everything('experiments')} }}")["experiments"]["nodes"]
    assert [each["experimentId"] for each in shown] == ["lab"]
    assert [each["agentId"] for each in shown[0]["agents"]["nodes"]] == ["own"]
    assert [each["log"] for each in shown[0]["evaluations"]["nodes"]] == [{"by": "own"}]
    fitness = 'query($e: ID!) { agent(agentId: "own") { fitness(experiment: $e) { trials } } }'
    assert world.confined.get(fitness, e="lab")["agent"]["fitness"] == {"trials": 1}
    assert world.confined.get(fitness, e="hush-experiment")["agent"]["fitness"] is None


def test_a_reservation_is_seen_from_its_subtree_and_from_above_and_from_nowhere_else(
    world: World, stranger: Caller
) -> None:
    admin = world.admin
    budget(admin, "roof", amount="10")
    for name in ("left", "right"):
        budget(admin, name, "roof", amount="5")
    ask = (
        "mutation($input: ReserveInput!) { reserve(input: $input) { ... on Reservation { reservationId } } }"
    )
    said = {"idempotencyKey": "mine", "agentId": "own", "budgetId": "left", "amount": "1"}
    held = admin.confined("left").get(ask, input=said)["reserve"]["reservationId"]
    show = "query($id: ID!) { reservation(reservationId: $id) { remaining } }"
    release = "mutation($id: ID!) { release(reservationId: $id) { state } }"
    for caller in (admin.confined("right"), world.confined, stranger):
        assert caller.get(show, id=held) == {"reservation": None}
        assert caller.ask(release, id=held).code == "NOT_FOUND"
    for caller in (admin.confined("left"), admin.confined("roof"), admin):
        assert caller.get(show, id=held) == {"reservation": {"remaining": "1"}}
