"""Webhook endpoints, how far they are, and what they did not take."""

from typing import Any, TypedDict

from cypher.query import CypherQuery, NoParams, NoRow


class Created(TypedDict):
    """A new endpoint."""

    uid: str
    properties: dict[str, Any]


class OneUid(TypedDict):
    """An endpoint."""

    uid: str


class Changed(TypedDict):
    """An endpoint, and what changes of it."""

    uid: str
    properties: dict[str, Any]


class UidRange(TypedDict):
    """A page of a tenant's endpoints by id: uids of (after, before), at most ``first``."""

    after_uid: str
    before_uid: str
    first: int


class Lease(TypedDict):
    """Who wants to deliver to an endpoint, and until when."""

    uid: str
    owner: str
    now_us: int
    until_us: int


class Progress(TypedDict):
    """What changed of an endpoint while its lease was held by an owner."""

    uid: str
    owner: str
    properties: dict[str, Any]


class Buried(TypedDict):
    """An event that an endpoint did not take."""

    endpoint_uid: str
    uid: str
    properties: dict[str, Any]


class LettersRange(TypedDict):
    """A page of an endpoint's dead letters, last ones first: uids of (after, before), at most ``first``."""

    after_uid: str
    before_uid: str
    first: int


class Replayed(TypedDict):
    """An endpoint's dead letters of uids in (after, before) that are to be sent again; None: all of them."""

    endpoint_uid: str
    after_uid: str
    before_uid: str
    uids: list[str] | None


class EndpointRow(TypedDict):
    """An endpoint's properties."""

    endpoint: dict[str, Any]


class LetterRow(TypedDict):
    """A dead letter's properties."""

    letter: dict[str, Any]


class CountRow(TypedDict):
    """How many there are."""

    count: int


CREATE: CypherQuery[Created, EndpointRow] = CypherQuery("webhooks/create", Created, EndpointRow)
GET: CypherQuery[OneUid, EndpointRow] = CypherQuery("webhooks/get", OneUid, EndpointRow)
PAGE: CypherQuery[UidRange, EndpointRow] = CypherQuery("webhooks/page", UidRange, EndpointRow)
ENABLED: CypherQuery[NoParams, EndpointRow] = CypherQuery("webhooks/enabled", NoParams, EndpointRow)
CHANGE: CypherQuery[Changed, EndpointRow] = CypherQuery("webhooks/change", Changed, EndpointRow)
DELETE: CypherQuery[OneUid, CountRow] = CypherQuery("webhooks/delete", OneUid, CountRow)
LEASE: CypherQuery[Lease, EndpointRow] = CypherQuery("webhooks/lease", Lease, EndpointRow)
PROGRESS: CypherQuery[Progress, CountRow] = CypherQuery("webhooks/progress", Progress, CountRow)
BURY: CypherQuery[Buried, CountRow] = CypherQuery("webhooks/bury", Buried, CountRow)
LETTERS: CypherQuery[LettersRange, LetterRow] = CypherQuery("webhooks/letters", LettersRange, LetterRow)
REPLAYING: CypherQuery[LettersRange, LetterRow] = CypherQuery("webhooks/replaying", LettersRange, LetterRow)
REPLAY: CypherQuery[Replayed, CountRow] = CypherQuery("webhooks/replay", Replayed, CountRow)
DROP_LETTER: CypherQuery[OneUid, NoRow] = CypherQuery("webhooks/drop_letter", OneUid, NoRow)
