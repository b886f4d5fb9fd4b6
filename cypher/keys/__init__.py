"""API keys: who may come in."""

from typing import TypedDict

from cypher.query import CypherQuery


class KeyParams(TypedDict):
    """A new key; ``hash`` is the SHA-256 of its secret, in hex."""

    uid: str
    tenant: str
    key_id: str
    name: str
    hash: str
    role: str
    budget_uid: str | None
    created_at_us: int


class KeyRow(TypedDict):
    """A key. Its secret is nowhere, and its hash stays in the graph."""

    uid: str
    tenant: str
    key_id: str
    name: str
    role: str
    budget_uid: str | None
    created_at_us: int
    revoked_at_us: int | None


class HashParams(TypedDict):
    """The SHA-256 of a secret, in hex."""

    hash: str


class UidRange(TypedDict):
    """The next keys of a tenant: uids in (after_uid, before_uid), at most ``first``."""

    after_uid: str
    before_uid: str
    first: int


class RevokeParams(TypedDict):
    """A key, and when it ends."""

    uid: str
    now_us: int


class OneKey(TypedDict):
    """A key."""

    uid: str


CREATE: CypherQuery[KeyParams, KeyRow] = CypherQuery("keys/create", KeyParams, KeyRow)
ENSURE: CypherQuery[KeyParams, KeyRow] = CypherQuery("keys/ensure", KeyParams, KeyRow)
FIND: CypherQuery[HashParams, KeyRow] = CypherQuery("keys/find", HashParams, KeyRow)
GET: CypherQuery[OneKey, KeyRow] = CypherQuery("keys/get", OneKey, KeyRow)
PAGE: CypherQuery[UidRange, KeyRow] = CypherQuery("keys/page", UidRange, KeyRow)
REVOKE: CypherQuery[RevokeParams, KeyRow] = CypherQuery("keys/revoke", RevokeParams, KeyRow)
