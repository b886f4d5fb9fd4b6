"""Cursors: opaque to clients, versioned, checked. A cursor says after what the next page begins."""

import base64
import binascii
import re
from typing import Final

import orjson

from ledger.errors import InvalidInput

VERSION: Final = 1
CURSOR_LENGTH_MAX: Final = 2_048

BUDGETS: Final = "budgets"
AGENTS: Final = "agents"
KEYS: Final = "keys"
AUDIT: Final = "audit"
ARCHIVES: Final = "archives"
OVERRIDES: Final = "overrides"
RATE_CARDS: Final = "rate-cards"
EXCHANGE_RATES: Final = "exchange-rates"
HELD_PRICES: Final = "held-prices"
EXPERIMENTS: Final = "experiments"
MEMBERS: Final = "members"
EVALUATIONS: Final = "evaluations"
SELECTIONS: Final = "selections"
CLADES: Final = "clades"
ANOMALIES: Final = "anomalies"
AGREEMENTS: Final = "agreements"
WEBHOOKS: Final = "webhooks"
DEAD_LETTERS: Final = "dead-letters"
TOP_UPS: Final = "top-ups"
USAGE_BY_TIME: Final = "usage"
USAGE_BY_RECORDING: Final = "unpriced"

_SHAPES: Final = {
    USAGE_BY_TIME: re.compile(r"\d{16}/.+", re.DOTALL),
    TOP_UPS: re.compile(r"\d{16}/.+", re.DOTALL),
    ANOMALIES: re.compile(r"\d{16}/.+", re.DOTALL),
    USAGE_BY_RECORDING: re.compile(r"\d{16}"),
    DEAD_LETTERS: re.compile(r"\d{16}"),
    EXCHANGE_RATES: re.compile(r"\d{1,9}"),
    AUDIT: re.compile(r"\d{16}/[0-9a-f.]+"),
    ARCHIVES: re.compile(r"\d{16}-[0-9a-f]{16}"),
    OVERRIDES: re.compile(r"\d{16}/[0-9a-f]+"),
}
_ANYTHING: Final = re.compile(r".+", re.DOTALL)


def cursor_of(kind: str, after: str) -> str:
    """The cursor of a list: what the next page begins after."""
    return base64.urlsafe_b64encode(orjson.dumps([VERSION, kind, after])).decode().rstrip("=")


def after_of(kind: str, cursor: str | None) -> str | None:
    """What a cursor of this list says. Raises ``InvalidInput`` for any other text."""
    if cursor is None:
        return None
    if len(cursor) <= CURSOR_LENGTH_MAX:
        try:
            decoded = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        except (binascii.Error, ValueError):
            decoded = None
        match decoded:
            case [int(version), str(made_for), str(after)] if version == VERSION and made_for == kind:
                if _SHAPES.get(kind, _ANYTHING).fullmatch(after):
                    return after
            case _:
                pass
    raise InvalidInput(
        "after is not a cursor of this list: pass an endCursor of it, unchanged.", field="after"
    )
