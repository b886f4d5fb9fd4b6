"""JSON whose numbers are written from exact decimals, as the source documents show money: 0.03."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

import orjson

from server.headers import Answer


def exact_json(value: Any) -> bytes:
    """The JSON of plain data and decimals."""
    return b"".join(_parts(value))


def exact_answer(body: Any) -> Answer:
    """The same as an answer."""
    return Answer(exact_json(body))


def _parts(value: Any) -> list[bytes]:
    match value:
        case Decimal():
            return [f"{value:f}".encode()]
        case Mapping():
            parts = [b"{"]
            for name, each in cast("Mapping[str, Any]", value).items():
                parts += [b"," if len(parts) > 1 else b"", orjson.dumps(name), b":", *_parts(each)]
            return [*parts, b"}"]
        case list() | tuple():
            parts = [b"["]
            for each in cast("Sequence[Any]", value):
                parts += [b"," if len(parts) > 1 else b"", *_parts(each)]
            return [*parts, b"]"]
        case _:
            return [orjson.dumps(value)]
