"""Webhooks: endpoints, what is signed and how, and when what failed is tried again.

Format and signature are those of Standard Webhooks (``v1``, symmetric): a receiver takes any library of it.
"""

import base64
import hmac
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

import orjson

from ledger.changes import Event
from ledger.errors import InvalidInput
from ledger.events import EVENT_TYPES
from pricing.calendar import to_datetime

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - begins every secret, and is none
SECRET_BYTES: Final = 32
URL_LENGTH_MAX: Final = 2_048
DESCRIPTION_LENGTH_MAX: Final = 256
ENDPOINTS_MAX: Final = 50
"""Of one tenant."""
OVERLAP_US: Final = 24 * 3_600 * 1_000_000
"""How long the secret before a rotation is valid beside the new one."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A signing secret, and until when it is valid: None is the newest."""

    text: str = field(repr=False)
    until_us: int | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where events go, which ones, and how far they have gone."""

    uid: str
    tenant: str
    endpoint_id: str
    url: str
    types: tuple[str, ...]
    budget_uid: str | None
    """Only what is charged to this budget or below; None: all of the tenant's."""
    description: str | None
    enabled: bool
    created_at_us: int
    cursor_seq: int
    """All up to this number of the tenant's sequence is delivered, or a dead letter."""
    attempts: int = 0
    """How often the event that comes next has failed."""
    next_attempt_us: int = 0
    last_error: str | None = None
    secrets: tuple[Secret, ...] = ()
    lease_owner: str | None = None
    lease_until_us: int = 0
    replaying: bool = False
    """Whether some of its dead letters are to be sent again."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that an endpoint did not take, however often it was tried."""

    seq: int
    event_id: str
    event_type: str
    attempts: int
    error: str
    failed_at_us: int
    replaying: bool = False


def new_secret() -> str:
    """A secret of 256 random bits, as Standard Webhooks writes it."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def rotated(known: tuple[Secret, ...], fresh: str, now_us: int) -> tuple[Secret, ...]:
    """The secrets after a rotation: the fresh one, and the one before for a while. Older ones end."""
    return (Secret(fresh), *(Secret(each.text, now_us + OVERLAP_US) for each in known[:1]))


def message_id(endpoint: Endpoint, seq: int) -> str:
    """The same however often an event is sent to an endpoint: receivers tell repeats by it."""
    return f"msg_{endpoint.endpoint_id}_{seq:016d}"


def body_of(event: Event) -> bytes:
    """What is sent: the event's type, when it happened, and its own body as ``data``."""
    at = to_datetime(event.at_us).isoformat()
    return orjson.dumps({"type": event.type, "timestamp": at, "data": orjson.Fragment(event.payload)})


def signed(endpoint: Endpoint, seq: int, body: bytes, now_us: int) -> dict[str, str]:
    """The headers of a message, signed with every secret that is valid."""
    identifier, timestamp = message_id(endpoint, seq), str(now_us // 1_000_000)
    valid = [each.text for each in endpoint.secrets if each.until_us is None or each.until_us > now_us]
    return {
        "content-type": "application/json",
        "webhook-id": identifier,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signature(each, identifier, timestamp, body) for each in valid),
    }


def signature(secret: str, identifier: str, timestamp: str, body: bytes) -> str:
    """``v1,`` and the HMAC-SHA256 of id, timestamp and body, in base64."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    digest = hmac.new(key, f"{identifier}.{timestamp}.".encode() + body, sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def check_types(types: list[str] | None) -> tuple[str, ...]:
    """The types of events as asked for; all, where none are named. Raises ``InvalidInput``."""
    if types is None:
        return EVENT_TYPES
    wrong = [each for each in types if each not in EVENT_TYPES]
    if wrong or not types:
        named = f"there is no event type {wrong[0]}" if wrong else "name at least one event type"
        raise InvalidInput(f"{named}: there are {', '.join(EVENT_TYPES)}", field="types")
    return tuple(each for each in EVENT_TYPES if each in types)


def check_description(text: str | None) -> str | None:
    """A description. Raises ``InvalidInput``."""
    if text is not None and (len(text) > DESCRIPTION_LENGTH_MAX or not text.isprintable()):
        raise InvalidInput(
            f"description may have {DESCRIPTION_LENGTH_MAX} printable characters", field="description"
        )
    return text
