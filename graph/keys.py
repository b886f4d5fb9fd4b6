"""API keys in the graph. A secret is shown once, when its key is made; the graph holds its SHA-256."""

import contextlib
import secrets
import time
from dataclasses import asdict, dataclass
from hashlib import sha256

from cypher import keys as queries
from cypher import ledger as ledger_queries
from graph.agents import uid_range
from graph.audit import act, write_entries
from graph.database import Database, Transaction
from graph.ledger import GraphLedgerStore
from ledger.access import Principal, Role
from ledger.errors import Unavailable
from ledger.model import DEFAULT_TENANT, uid_of
from ledger.ports import Wanted

SECRET_PREFIX = "cg_"  # noqa: S105 - begins every secret, and is none
SECRET_BYTES = 32
ADMIN_KEY_ID = "admin"
"""The deployment's own key, of the default tenant; the only one that may name another tenant."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is in the graph, without its hash."""

    uid: str
    tenant: str
    key_id: str
    name: str
    role: Role
    budget_uid: str | None
    created_at_us: int
    revoked_at_us: int | None = None

    @property
    def principal(self) -> Principal:
        """Who calls with it."""
        return Principal(self.key_id, self.tenant, self.role, self.budget_uid)


def new_secret() -> str:
    """A secret of 256 random bits."""
    return SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES)


def hash_of(secret: str) -> str:
    """The SHA-256 of a secret, in hex: all that is ever stored or compared."""
    return sha256(secret.encode()).hexdigest()


class Keys:
    """The keys of a database. Thread-safe."""

    def __init__(self, database: Database) -> None:
        """Work on a database."""
        self._database = database

    def create(
        self, tenant: str, name: str, role: Role, budget_uid: str | None, author: str | None = None
    ) -> tuple[ApiKey, str]:
        """A new key and its secret, which is nowhere else. With its first key a tenant comes to be.

        ``author`` is the id of the key that asks.
        """
        self._found(tenant)
        secret = new_secret()
        key_id = secrets.token_hex(8)
        params = _params(tenant, key_id, name, hash_of(secret), role, budget_uid)

        def work(transaction: Transaction) -> ApiKey:
            (row,) = transaction.run(queries.CREATE, params)
            key = _key_of(row)
            entry = act(tenant, author, "api_key.create", key_id, budget_uid, None, asdict(key))
            write_entries(transaction, [entry])
            return key

        return self._database.writing(work), secret

    def _found(self, tenant: str) -> None:
        if self._database.read(ledger_queries.HEAD, {"tenant": tenant}):
            return
        # Where another process is doing the same, it is done.
        with contextlib.suppress(Unavailable), GraphLedgerStore(self._database).transaction() as ledger:
            ledger.lock([tenant], Wanted())

    def ensure_admin(self, secret_hash: str) -> ApiKey:
        """The deployment's own key with that secret; one with another secret ends."""
        params = _params(DEFAULT_TENANT, ADMIN_KEY_ID, "Deployment", secret_hash, Role.ADMIN, None)

        def work(transaction: Transaction) -> ApiKey:
            known = transaction.run(queries.FIND, {"hash": secret_hash})
            (row,) = transaction.run(queries.ENSURE, params)
            key = _key_of(row)
            if not known:
                # Whoever runs the server did it: no key of ours.
                entry = act(DEFAULT_TENANT, None, "api_key.set_secret", ADMIN_KEY_ID, None, None, asdict(key))
                write_entries(transaction, [entry])
            return key

        return self._database.writing(work)

    def find(self, secret_hash: str) -> ApiKey | None:
        """The valid key with that secret."""
        row = next(iter(self._database.read(queries.FIND, {"hash": secret_hash})), None)
        return None if row is None else _key_of(row)

    def get(self, tenant: str, key_id: str) -> ApiKey | None:
        """The key with that id, revoked or not."""
        row = next(iter(self._database.read(queries.GET, {"uid": uid_of(tenant, key_id)})), None)
        return None if row is None else _key_of(row)

    def page(self, tenant: str, after_id: str | None, first: int) -> list[ApiKey]:
        """The next keys of a tenant, by id, revoked ones included."""
        after_uid, before_uid = uid_range(tenant, after_id)
        params: queries.UidRange = {"after_uid": after_uid, "before_uid": before_uid, "first": first}
        return [_key_of(row) for row in self._database.read(queries.PAGE, params)]

    def revoke(self, tenant: str, key_id: str, author: str | None = None) -> ApiKey | None:
        """End a key for good; None where there is none. Revoking it again changes nothing."""
        params: queries.RevokeParams = {"uid": uid_of(tenant, key_id), "now_us": _now_us()}

        def work(transaction: Transaction) -> ApiKey | None:
            before = [_key_of(row) for row in transaction.run(queries.GET, {"uid": params["uid"]})]
            after = [_key_of(row) for row in transaction.run(queries.REVOKE, params)]
            entries = [
                act(tenant, author, "api_key.revoke", key_id, now.budget_uid, asdict(was), asdict(now))
                for was, now in zip(before, after, strict=True)
                if was != now
            ]
            write_entries(transaction, entries)
            return next(iter(after), None)

        return self._database.writing(work)


def _params(
    tenant: str, key_id: str, name: str, secret_hash: str, role: Role, budget_uid: str | None
) -> queries.KeyParams:
    return {
        "uid": uid_of(tenant, key_id),
        "tenant": tenant,
        "key_id": key_id,
        "name": name,
        "hash": secret_hash,
        "role": role.value,
        "budget_uid": budget_uid,
        "created_at_us": _now_us(),
    }


def _key_of(row: queries.KeyRow) -> ApiKey:
    return ApiKey(
        row["uid"],
        row["tenant"],
        row["key_id"],
        row["name"],
        Role(row["role"]),
        row["budget_uid"],
        row["created_at_us"],
        row["revoked_at_us"],
    )


def _now_us() -> int:
    return time.time_ns() // 1_000
