"""Acts of administration: each leaves its entry, in its own transaction, for those who may see it."""

import asyncio
from typing import Any

import pytest

from graph.audit import AuditLog
from graph.database import Database
from ledger.access import Permission, Role
from ledger.agreement_commands import CloseMonths
from ledger.price_commands import Reprice
from resolvers import Services
from tests.resolvers.test_access import NEEDS
from tests.support.experiments import experiment, family
from tests.support.price_documents import holding_source
from tests.support.services import Caller, admin_of, budget, record, usage

LOG = """
query($budgetId: ID, $first: Int! = 50, $after: String) {
  auditLog(budgetId: $budgetId, first: $first, after: $after) {
    nodes { at author action subject budgetId before after } pageInfo { hasNextPage endCursor }
  }
}
"""
RATE = {"base": "EUR", "quote": "USD", "rate": "1.1", "date": "2026-01-01", "source": "bank"}


def card(percent: str) -> dict[str, Any]:
    return {"cardId": "c", "model": "gpt-4o", "lines": [{"unit": "*", "discountPercent": percent}]}


def acts(caller: Caller, **variables: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = caller.get(LOG, **variables)["auditLog"]["nodes"]
    return found


def last(caller: Caller) -> dict[str, Any]:
    return acts(caller, first=1)[0]


def test_an_entry_says_who_what_before_and_after(admin: Caller) -> None:
    budget(admin, "acme", amount="10")
    created = last(admin)
    assert (created["action"], created["author"], created["subject"]) == (
        "budget.create",
        "an-admin",
        "acme",
    )
    assert created["before"] is None
    assert created["after"]["amount_nano"] == "10000000000"
    assert created["after"]["limits"][0]["amount"] == "10000000000"
    admin.get('mutation { updateBudget(input: {budgetId: "acme", amount: "12", name: "Acme"}) { budgetId } }')
    changed = last(admin)
    assert (changed["action"], changed["budgetId"]) == ("budget.update", "acme")
    assert (changed["before"]["amount_nano"], changed["after"]["amount_nano"]) == (
        "10000000000",
        "12000000000",
    )
    assert ("name" in changed["before"], changed["after"]["name"]) == (False, "Acme")
    assert changed["at"] >= created["at"]


def test_what_changes_nothing_or_is_refused_leaves_no_entry(admin: Caller) -> None:
    budget(admin, "acme", amount="10")
    budget(admin, "acme", amount="10")
    admin.get('mutation { updateBudget(input: {budgetId: "acme", amount: "10"}) { budgetId } }')
    assert admin.ask('mutation { closeBudget(budgetId: "nowhere") { budgetId } }').code == "NOT_FOUND"
    assert admin.ask('mutation { moveBudget(budgetId: "acme", newParentBudgetId: "acme") { budgetId } }').code
    assert [each["action"] for each in acts(admin)] == ["budget.create"]


def agreement(percent: str) -> dict[str, Any]:
    discount = {"termId": "big", "tiers": [{"above": "100", "discountPercent": percent}]}
    return {"agreementId": "deal", "budgetId": "acme", "fromMonth": "2026-10", "discounts": [discount]}


SOURCE = {
    "sourceId": "own",
    "kind": "PRICE_LIST",
    "location": "https://prices.example/own.json",
    "everySeconds": None,
}
INCREASE = {"idempotencyKey": "i", "budgetId": "acme", "amount": "1", "until": "2100-01-01T00:00:00Z"}
OVERRIDE = {**INCREASE, "idempotencyKey": "o", "reason": "an incident"}
TOP_UP = {"idempotencyKey": "t", "budgetId": "acme", "amount": "5", "reason": "invoice"}
REFUND = {"idempotencyKey": "r", "operationId": "op", "kind": "REFUND", "change": "-0.001"}
ALWAYS = {"from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z", "dryRun": False}
FILE = '{"m": {"input_cost_per_token": 0.000001, "litellm_provider": "p", "mode": "chat"}}'

MUTATIONS: dict[str, tuple[str, Any, str]] = {
    "createBudget": ("CreateBudgetInput", {"budgetId": "new", "budgetType": "TASK"}, "budget.create"),
    "updateBudget": ("UpdateBudgetInput", {"budgetId": "acme", "amount": "3"}, "budget.update"),
    "moveBudget": ("", 'budgetId: "acme", newParentBudgetId: "other"', "budget.move"),
    "increaseLimit": ("IncreaseLimitInput", INCREASE, "budget.increase_limit"),
    "createOverride": ("CreateOverrideInput", OVERRIDE, "override.create"),
    "topUp": ("TopUpInput", TOP_UP, "budget.top_up"),
    "adjustUsage": ("AdjustUsageInput", REFUND, "usage.adjust"),
    "createRateCard": ("RateCardInput", card("10"), "rate_card.put"),
    "updateRateCard": ("RateCardInput", card("20"), "rate_card.put"),
    "reprice": ("RepriceInput", ALWAYS, "usage.reprice"),
    "withdrawRateCard": ("", 'cardId: "c", reason: "over"', "rate_card.withdraw"),
    "addExchangeRates": ("AddExchangeRatesInput", {"rates": [RATE]}, "exchange_rates.add"),
    "importPriceFile": ("ImportPriceFileInput", {"content": FILE, "version": "1"}, "price_file.import"),
    "createApiKey": ("CreateApiKeyInput", {"name": "k", "role": "VIEWER"}, "api_key.create"),
    "createAgreement": ("AgreementInput", agreement("10"), "agreement.put"),
    "updateAgreement": ("AgreementInput", agreement("20"), "agreement.put"),
    "closeMonths": ("", 'agreementId: "deal", month: "2026-10"', "agreement.close"),
    "withdrawAgreement": ("", 'agreementId: "deal"', "agreement.withdraw"),
    "putPriceSource": ("PriceSourceInput", SOURCE, "price_source.put"),
    "removePriceSource": ("", 'sourceId: "own"', "price_source.remove"),
    "closeBudget": ("", 'budgetId: "acme"', "budget.close"),
}
"""One example of every administrative mutation, in an order in which each changes something."""

ADMINISTRATIVE = {Permission.MANAGE_BUDGETS, Permission.OPERATE, Permission.ADMINISTER}
WEBHOOKS = (
    "createWebhookEndpoint",
    "updateWebhookEndpoint",
    "rotateWebhookSecret",
    "replayDeadLetters",
    "deleteWebhookEndpoint",
)
ELSEWHERE = {
    "revokeOverride",
    "revokeApiKey",
    "approveHeldPrices",
    "rejectHeldPrices",
    "refreshPriceSource",
    "archiveUsage",
    *WEBHOOKS,
}
"""What needs an id that is only known then, or does several things: tested on its own below.

Archiving needs old usage and a folder: tests.resolvers.test_archive."""


def test_every_administrative_mutation_leaves_an_entry(admin: Caller) -> None:
    administrative = {
        name.removeprefix("Mutation.")
        for name, permission in NEEDS.items()
        if permission in ADMINISTRATIVE and name.startswith("Mutation.")
    }
    assert administrative == set(MUTATIONS) | ELSEWHERE
    budget(admin, "acme")
    budget(admin, "other")
    record(admin, usage("op", budgetId="acme"))
    for name, (kind, said, action) in MUTATIONS.items():
        before = len(acts(admin))
        if kind:
            admin.get(f"mutation($input: {kind}!) {{ {name}(input: $input) {{ __typename }} }}", input=said)
        else:
            admin.get(f"mutation {{ {name}({said}) {{ __typename }} }}")
        found = acts(admin)
        assert (len(found), found[0]["action"]) == (before + 1, action), name
        assert found[0]["author"] == "an-admin"


def test_an_override_is_told_as_it_was_and_its_end_once(admin: Caller) -> None:
    budget(admin, "acme", amount="10")
    create = "mutation($input: CreateOverrideInput!) { createOverride(input: $input) { overrideId } }"
    granted = admin.get(create, input=OVERRIDE)["createOverride"]["overrideId"]
    assert admin.get(create, input=OVERRIDE)["createOverride"]["overrideId"] == granted
    for _ in range(2):
        admin.get(f'mutation {{ revokeOverride(overrideId: "{granted}") {{ state }} }}')
    ended, created = acts(admin)[:2]
    assert [created["action"], ended["action"]] == ["override.create", "override.revoke"]
    assert (created["subject"], created["budgetId"], created["before"]) == (granted, "acme", None)
    assert (created["after"]["amount_nano"], created["after"]["reason"]) == ("1000000000", "an incident")
    assert ("revoked_by" in ended["before"], ended["after"]["revoked_by"]) == (False, "an-admin")
    assert len(acts(admin)) == 3


def test_agreements_are_told_with_their_terms_and_months_that_close_by_themselves_are_not(
    admin: Caller, services: Services, tenant: str
) -> None:
    budget(admin, "acme")
    record(admin, usage("op", budgetId="acme", timestamp="2026-10-20T09:00:00Z", providerCost="200"))
    put = "mutation($input: AgreementInput!) { createAgreement(input: $input) { version } }"
    for _ in range(2):
        admin.get(put, input=agreement("10"))
    (found,) = (each for each in acts(admin) if each["action"] == "agreement.put")
    assert (found["subject"], found["budgetId"], found["before"]) == ("deal", "acme", None)
    (discount,) = found["after"]["terms"]["discounts"]
    assert discount["tiers"] == [[100_000_000_000, 100_000]]
    asyncio.run(services.ledger.say(CloseMonths(tenant, None, "deal", "2026-10")))
    assert "agreement.close" not in {each["action"] for each in acts(admin)}
    record(admin, usage("late", budgetId="acme", timestamp="2026-10-20T09:00:00Z", providerCost="10"))
    close = 'mutation { closeMonths(agreementId: "deal", month: "2026-10") { months { month } } }'
    for _ in range(2):
        admin.get(close)
    (closed,) = (each for each in acts(admin) if each["action"] == "agreement.close")
    (month,) = closed["after"]["months"]
    assert [line["effective_nano"] for line in month["lines"]] == ["-1000000000"]


def test_sources_are_told_when_they_change_and_held_prices_when_they_are_decided(
    admin: Caller, services: Services, tenant: str
) -> None:
    put = "mutation($input: PriceSourceInput!) { putPriceSource(input: $input) { sourceId } }"
    for seconds in (None, None, 3600):
        admin.get(put, input={**SOURCE, "everySeconds": seconds})
    changed, created = acts(admin)
    assert ("every_seconds" in changed["before"], changed["after"]["every_seconds"]) == (False, 3600)
    assert (created["before"], created["after"]["location"]) == (None, SOURCE["location"])
    held_id = holding_source(services.price_sources, tenant, "acme")
    reject = 'mutation($ids: [ID!]!) { rejectHeldPrices(heldIds: $ids, reason: "no") { state } }'
    for _ in range(2):
        admin.get(reject, ids=[held_id])
    decided = [each for each in acts(admin) if each["action"] == "held_price.reject"]
    assert [(each["subject"], each["author"]) for each in decided] == [(held_id, "an-admin")]
    assert (decided[0]["before"]["state"], decided[0]["after"]["state"]) == ("HELD", "REJECTED")
    assert (decided[0]["after"]["model"], decided[0]["after"]["reason"]) == ("acme/model", "no")
    gone = 'mutation { removePriceSource(sourceId: "acme") { sourceId } }'
    admin.get(gone)
    assert admin.ask(gone).code == "NOT_FOUND"
    removed = last(admin)
    assert (removed["action"], removed["subject"], removed["after"]) == ("price_source.remove", "acme", None)


def test_what_settles_by_itself_is_no_act_of_administration(
    admin: Caller, services: Services, tenant: str
) -> None:
    record(admin, usage("op", modelId="unheard-of"))
    lines = [{"unit": unit, "price": "1", "per": 1_000_000} for unit in ("uncached", "completion")]
    said = {"cardId": "c", "model": "unheard-of", "lines": lines}
    admin.get("mutation($input: RateCardInput!) { createRateCard(input: $input) { cardId } }", input=said)
    asyncio.run(services.ledger.say(Reprice(tenant, None, [f"{tenant}/op"], "A price is known by now.")))
    shown = admin.get('{ operation(operationId: "op") { pricing } }')["operation"]
    assert shown["pricing"] == "PRICED"
    assert [each["action"] for each in acts(admin)] == ["rate_card.put"]


def test_no_secret_gets_into_the_log(admin: Caller) -> None:
    create = 'mutation { createApiKey(input: {name: "k", role: VIEWER}) { secret key { keyId } } }'
    created = admin.get(create)["createApiKey"]
    key_id = created["key"]["keyId"]
    for _ in range(2):
        admin.get("mutation($id: ID!) { revokeApiKey(keyId: $id) { keyId } }", id=key_id)
    found = acts(admin)
    assert [(each["action"], each["subject"]) for each in found] == [
        ("api_key.revoke", key_id),
        ("api_key.create", key_id),
    ]
    assert "revoked_at_us" in found[0]["after"]
    assert created["secret"] not in str(found)
    assert "hash" not in str(found)


def test_experiments_are_created_and_frozen_on_the_record(admin: Caller) -> None:
    experiment(admin)
    family(admin)
    for _ in range(2):
        admin.get('mutation { freezeExperiment(experimentId: "e") { frozen } }')
    found = [each for each in acts(admin) if each["action"].startswith("experiment.")]
    assert [(each["action"], each["subject"], each["budgetId"]) for each in found] == [
        ("experiment.freeze", "e", "lab"),
        ("experiment.create", "e", "lab"),
    ]
    assert "frozen" not in found[0]["before"]
    assert "frozen" in found[0]["after"]


@pytest.fixture
def tree(admin: Caller) -> Caller:
    """A root with two budgets below it, the admin of one of them."""
    budget(admin, "root", amount="100")
    budget(admin, "mine", "root", amount="10")
    budget(admin, "below", "mine")
    budget(admin, "sibling", "root")
    return admin.confined("mine", key_id="mine-admin")


def test_a_confined_key_sees_its_subtree_without_what_is_above(admin: Caller, tree: Caller) -> None:
    tree.get('mutation { updateBudget(input: {budgetId: "below", amount: "1"}) { budgetId } }')
    found = acts(tree)
    assert [(each["action"], each["subject"], each["author"]) for each in found] == [
        ("budget.update", "below", "mine-admin"),
        ("budget.create", "below", None),
        ("budget.create", "mine", None),
    ]
    assert "parent_uid" in found[1]["after"]
    assert "parent_uid" not in found[2]["after"]
    assert "an-admin" not in str(found)
    assert "root" not in str(found)
    assert len(acts(admin)) == 5
    assert [each["subject"] for each in acts(admin, budgetId="mine")] == ["below", "below", "mine"]
    assert tree.ask(LOG, budgetId="sibling").code == "NOT_FOUND"


def test_pages_follow_one_another(admin: Caller, tree: Caller) -> None:
    for caller, count in ((admin, 4), (tree, 2)):
        seen: list[str] = []
        after, more = None, True
        while more:
            page = caller.get(LOG, first=1, after=after)["auditLog"]
            seen += [each["subject"] for each in page["nodes"]]
            more, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
        assert len(seen) == len(set(seen)) == count
    assert admin.ask(LOG, after="bm8").code == "INVALID"


def test_operators_read_it_and_others_do_not(admin: Caller) -> None:
    assert acts(admin.as_role(Role.OPERATOR)) == []
    for role in (Role.VIEWER, Role.RECORDER, Role.RESEARCHER):
        assert admin.as_role(role).ask(LOG).code == "FORBIDDEN"


def test_tenants_have_logs_of_their_own(services: Services, admin: Caller, tenant: str) -> None:
    budget(admin, "acme")
    assert acts(admin_of(services, f"{tenant}-other")) == []


def test_an_entry_is_written_with_its_act_or_not_at_all(
    services: Services, admin: Caller, database: Database, tenant: str
) -> None:
    """Two budgets of one batch, of which the second is refused: one entry, one budget."""
    budget(admin, "acme")
    uids = [each.uid for each in AuditLog(database).page(tenant, None, 10)]
    assert len(uids) == 1
    with database.transaction() as transaction:
        (row,) = transaction.run_text(
            "MATCH (a:AuditEntry {uid: $uid}), (b:Budget {uid: $budget}) RETURN count(*) AS both",
            {"uid": uids[0], "budget": f"{tenant}/acme"},
        )
    assert row["both"] == 1


def test_what_is_done_to_webhooks_is_on_the_record_without_their_secrets(admin: Caller) -> None:
    create = "mutation($input: CreateWebhookEndpointInput!) { made: createWebhookEndpoint(input: $input) { "
    create += "secret endpoint { endpointId } } }"
    made = admin.get(create, input={"url": "https://hooks.example.com/in", "types": ["budget.exceeded"]})
    endpoint_id, secrets = made["made"]["endpoint"]["endpointId"], [made["made"]["secret"]]
    update = "mutation($input: UpdateWebhookEndpointInput!) { updateWebhookEndpoint(input: $input) { url } }"
    admin.get(update, input={"endpointId": endpoint_id, "enabled": False})
    rotate = "mutation($id: ID!) { made: rotateWebhookSecret(endpointId: $id) { secret } }"
    secrets.append(admin.get(rotate, id=endpoint_id)["made"]["secret"])
    for act in (
        "replayDeadLetters(endpointId: $id) { count }",
        "deleteWebhookEndpoint(endpointId: $id) { url }",
    ):
        admin.get(f"mutation($id: ID!) {{ {act} }}", id=endpoint_id)
    found = acts(admin)
    assert [(each["action"], each["subject"], each["author"]) for each in found] == [
        (f"webhook.{name}", endpoint_id, "an-admin")
        for name in ("delete", "replay", "rotate_secret", "update", "create")
    ]
    assert (found[3]["before"]["enabled"], found[3]["after"]["enabled"]) == (True, False)
    assert not any(secret.removeprefix("whsec_") in str(found) for secret in secrets)
