"""API keys through GraphQL."""

from typing import Any

import pytest

from graph.keys import ADMIN_KEY_ID, hash_of
from ledger.access import Principal, Role
from ledger.model import DEFAULT_TENANT, uid_of
from resolvers import Services
from tests.support.services import Caller, admin_of, budget

CREATE = """
mutation($input: CreateApiKeyInput!) {
  createApiKey(input: $input) { secret key { keyId tenant name role budgetId createdAt revokedAt } }
}
"""
REVOKE = (
    "mutation($id: ID!, $tenant: String) { revokeApiKey(keyId: $id, tenant: $tenant) { keyId revokedAt } }"
)
PAGE = """
query($first: Int!, $after: String, $tenant: String) {
  apiKeys(first: $first, after: $after, tenant: $tenant) {
    nodes { keyId name role budgetId revokedAt } pageInfo { hasNextPage endCursor }
  }
}
"""


def create(caller: Caller, name: str = "a key", role: str = "VIEWER", **fields: Any) -> Any:
    return caller.get(CREATE, input={"name": name, "role": role, **fields})["createApiKey"]


def names(caller: Caller, first: int = 50) -> list[str]:
    found: list[str] = []
    after = None
    while True:
        page = caller.get(PAGE, first=first, after=after)["apiKeys"]
        found += [node["name"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found


@pytest.fixture
def deployment(services: Services) -> Caller:
    """The deployment's own admin key."""
    return Caller(services, Principal(ADMIN_KEY_ID, DEFAULT_TENANT, Role.ADMIN))


def test_a_secret_is_shown_once_and_opens_what_the_key_says(admin: Caller) -> None:
    budget(admin, "acme")
    made = create(admin, "ci", "RECORDER", budgetId="acme")
    key = made["key"]
    assert (key["name"], key["role"], key["budgetId"], key["revokedAt"]) == ("ci", "RECORDER", "acme", None)
    tenant = admin.principal.tenant
    found = admin.services.keys.find(hash_of(made["secret"]))
    assert found is not None
    assert found.principal == Principal(key["keyId"], tenant, Role.RECORDER, uid_of(tenant, "acme"))
    shown = str(admin.get(PAGE, first=50))
    assert made["secret"] not in shown
    assert hash_of(made["secret"]) not in shown


def test_every_secret_is_another(admin: Caller) -> None:
    made = [create(admin) for _ in range(5)]
    assert len({each["secret"] for each in made}) == 5
    assert all(len(each["secret"]) >= 43 for each in made)


def test_a_revoked_key_is_found_no_more_and_stays_listed(admin: Caller) -> None:
    made = create(admin)
    revoked = admin.get(REVOKE, id=made["key"]["keyId"])["revokeApiKey"]
    assert revoked["revokedAt"] is not None
    assert admin.services.keys.find(hash_of(made["secret"])) is None
    assert admin.get(REVOKE, id=made["key"]["keyId"])["revokeApiKey"] == revoked
    assert names(admin) == ["a key"]
    assert admin.ask(REVOKE, id="nobody").code == "NOT_FOUND"


def test_pages_of_keys_hold_each_once(admin: Caller) -> None:
    made = [f"key {number}" for number in range(5)]
    for name in made:
        create(admin, name)
    assert sorted(names(admin, 2)) == made


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        ({"name": ""}, "INVALID", "name"),
        ({"name": "x" * 257}, "INVALID", "name"),
        ({"budgetId": "nobody"}, "NOT_FOUND", "budgetId"),
        ({"role": "root"}, "INVALID", None),
        ({"tenant": "somebody-else"}, "FORBIDDEN", "tenant"),
    ],
)
def test_bad_input_is_refused(admin: Caller, said: dict[str, Any], code: str, field: str | None) -> None:
    answer = admin.ask(CREATE, input={"name": "a key", "role": "VIEWER", **said})
    assert (answer.code, answer.field) == (code, field)
    assert names(admin) == []


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_only_an_admin_handles_keys(admin: Caller, role: Role) -> None:
    key = admin.as_role(role)
    assert key.ask(CREATE, input={"name": "a key", "role": "ADMIN"}).code == "FORBIDDEN"
    assert key.ask(PAGE, first=1).code == "FORBIDDEN"
    assert key.ask(REVOKE, id="x").code == "FORBIDDEN"


def test_a_confined_admin_handles_keys_of_its_subtree_only(admin: Caller) -> None:
    budget(admin, "acme")
    budget(admin, "web", "acme")
    budget(admin, "task", "web")
    outside = [create(admin, "whole"), create(admin, "above", budgetId="acme")]
    inside = create(admin, "below", budgetId="task")
    key = admin.confined("web")
    assert create(key, "own")["key"]["budgetId"] == "web"
    assert create(key, "lower", budgetId="task")["key"]["budgetId"] == "task"
    assert key.ask(CREATE, input={"name": "up", "role": "VIEWER", "budgetId": "acme"}).code == "NOT_FOUND"
    assert sorted(names(key, 1)) == ["below", "lower", "own"]
    for each in outside:
        assert key.ask(REVOKE, id=each["key"]["keyId"]).code == "NOT_FOUND"
    assert key.get(REVOKE, id=inside["key"]["keyId"])["revokeApiKey"]["revokedAt"] is not None


def test_only_the_deployments_own_key_names_another_tenant(
    deployment: Caller, services: Services, tenant: str
) -> None:
    made = create(deployment, "first", "ADMIN", tenant=tenant)
    assert made["key"]["tenant"] == tenant
    found = services.keys.find(hash_of(made["secret"]))
    assert found is not None
    newcomer = Caller(services, found.principal)
    budget(newcomer, "acme")
    assert create(deployment, "second", "VIEWER", tenant=tenant, budgetId="acme")["key"]["budgetId"] == "acme"
    listed = deployment.get(PAGE, first=50, tenant=tenant)["apiKeys"]["nodes"]
    assert sorted(node["name"] for node in listed) == ["first", "second"]
    assert deployment.get(REVOKE, id=made["key"]["keyId"], tenant=tenant)["revokeApiKey"]["revokedAt"]
    # Another admin of the same default tenant, and one who took the id in a tenant of its own, may not.
    for principal in (
        Principal("other", DEFAULT_TENANT, Role.ADMIN),
        Principal(ADMIN_KEY_ID, tenant, Role.ADMIN),
    ):
        pretender = Caller(services, principal)
        assert (
            pretender.ask(CREATE, input={"name": "x", "role": "ADMIN", "tenant": "third"}).code == "FORBIDDEN"
        )
        assert pretender.ask(PAGE, first=1, tenant="third").code == "FORBIDDEN"
        assert pretender.ask(REVOKE, id="x", tenant="third").code == "FORBIDDEN"


@pytest.mark.parametrize("named", ["", "a/b", "-x", "x" * 64, "ä", "a b"])
def test_a_tenant_has_a_plain_name(deployment: Caller, named: str) -> None:
    answer = deployment.ask(CREATE, input={"name": "x", "role": "ADMIN", "tenant": named})
    assert (answer.code, answer.field) == ("INVALID", "tenant")


def test_the_deployments_own_key_is_changed_by_the_environment_alone(
    deployment: Caller, services: Services
) -> None:
    services.keys.ensure_admin(hash_of("a secret of the environment"))
    assert deployment.ask(REVOKE, id=ADMIN_KEY_ID).code == "FORBIDDEN"
    assert services.keys.find(hash_of("a secret of the environment")) is not None


def test_an_admin_of_its_own_tenant_may_name_it(admin: Caller, services: Services, tenant: str) -> None:
    assert create(admin_of(services, tenant), tenant=tenant)["key"]["tenant"] == tenant
