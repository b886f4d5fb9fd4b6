"""An archived operation as a line of JSON: everything that the graph knew of it, in the words of the export.

Instants are ISO 8601, money is exact decimal text, what has no value is left out. ``entries`` holds all that
was charged for it, in the order of writing. Lines of equal operations are equal, byte for byte.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from pricing.money import format_nano
from server.rest.words import instant

Properties = Mapping[str, Any]

KEYS: Final = frozenset(
    {"uid", "time_key", "path_key", "agent_key", "agent_uid", "session_uid", "unpriced_key", "archived"}
)
"""What only the graph's indexes need: the rest says it, too."""
JSON: Final = frozenset({"tags", "warnings"})


def row_of(usage: Properties, entries: Sequence[Properties]) -> bytes:
    """A line, with its end."""
    row = _told(usage) | {"entries": [_told(entry) for entry in entries]}
    return orjson.dumps(row, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def _told(node: Properties) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, value in node.items():
        if value is None or name in KEYS:
            continue
        if name in JSON:
            told[name] = orjson.loads(value)
        elif name.endswith("_us"):
            told[name.removesuffix("_us")] = instant(value)
        elif name.endswith("_nano"):
            told[name.removesuffix("_nano")] = format_nano(value)
        else:
            told[name] = value
    return told
