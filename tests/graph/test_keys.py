"""API keys in the graph."""

import pytest

from cypher import keys as queries
from graph.audit import AuditLog
from graph.database import Database
from graph.errors import ConstraintViolation
from graph.keys import ADMIN_KEY_ID, Keys, hash_of, new_secret
from ledger.access import Role
from ledger.model import DEFAULT_TENANT


@pytest.fixture
def keys(database: Database) -> Keys:
    return Keys(database)


def test_a_secret_has_256_random_bits() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    # 43 characters of 6 bits hold 256.
    assert {len(secret) for secret in secrets} == {len("cg_") + 43}


def test_a_key_is_found_by_its_secret_alone(keys: Keys, tenant: str) -> None:
    key, secret = keys.create(tenant, "ci", Role.RECORDER, f"{tenant}/acme")
    assert keys.find(hash_of(secret)) == key
    assert key.principal.scope_uid == f"{tenant}/acme"
    assert keys.find(secret) is None
    assert keys.find(hash_of(secret + "x")) is None


def test_the_secret_is_nowhere_in_the_graph(keys: Keys, database: Database, tenant: str) -> None:
    _, secret = keys.create(tenant, "ci", Role.VIEWER, None)
    rows = database.reading(
        lambda transaction: transaction.run_text(
            "MATCH (k:ApiKey {tenant: $tenant}) RETURN properties(k) AS held", {"tenant": tenant}
        )
    )
    assert len(rows) == 1
    assert secret not in str(rows)
    assert hash_of(secret) in str(rows)


def test_a_revoked_key_ends_for_good(keys: Keys, tenant: str) -> None:
    key, secret = keys.create(tenant, "ci", Role.VIEWER, None)
    revoked = keys.revoke(tenant, key.key_id)
    assert revoked is not None
    assert revoked.revoked_at_us is not None
    assert keys.find(hash_of(secret)) is None
    assert keys.revoke(tenant, key.key_id) == revoked
    assert keys.get(tenant, key.key_id) == revoked
    assert keys.revoke(tenant, "nobody") is None


def test_keys_are_of_one_tenant(keys: Keys, tenant: str) -> None:
    mine = sorted(keys.create(tenant, "mine", Role.VIEWER, None)[0].key_id for _ in range(3))
    theirs, _ = keys.create(f"{tenant}x", "theirs", Role.VIEWER, None)
    assert [key.key_id for key in keys.page(tenant, None, 2)] == mine[:2]
    assert [key.key_id for key in keys.page(tenant, mine[1], 2)] == mine[2:]
    assert keys.get(tenant, theirs.key_id) is None
    assert keys.revoke(tenant, theirs.key_id) is None


def test_the_deployments_own_key_has_one_secret_at_a_time(keys: Keys) -> None:
    first, second = new_secret(), new_secret()
    made = keys.ensure_admin(hash_of(first))
    assert (made.tenant, made.key_id, made.role) == (DEFAULT_TENANT, ADMIN_KEY_ID, Role.ADMIN)
    keys.revoke(DEFAULT_TENANT, ADMIN_KEY_ID)
    again = keys.ensure_admin(hash_of(second))
    assert again.revoked_at_us is None
    assert again.created_at_us == made.created_at_us
    assert keys.find(hash_of(first)) is None
    assert keys.find(hash_of(second)) == again


def test_another_secret_of_the_deployments_key_is_on_the_record(keys: Keys, database: Database) -> None:
    def count() -> int:
        acts = AuditLog(database).page(DEFAULT_TENANT, None, 500)
        return sum(each.action == "api_key.set_secret" for each in acts)

    before, secret = count(), hash_of(new_secret())
    for _ in range(3):
        keys.ensure_admin(secret)
    assert count() == before + 1
    (last,) = AuditLog(database).page(DEFAULT_TENANT, None, 1)
    assert (last.author, secret in str(last)) == (None, False)


def test_an_id_is_given_once(keys: Keys, database: Database, tenant: str) -> None:
    key, _ = keys.create(tenant, "ci", Role.VIEWER, None)
    with pytest.raises(ConstraintViolation):
        database.write(
            queries.CREATE,
            {
                "uid": key.uid,
                "tenant": tenant,
                "key_id": key.key_id,
                "name": "twin",
                "hash": "x",
                "role": "viewer",
                "budget_uid": None,
                "created_at_us": 1,
            },
        )
