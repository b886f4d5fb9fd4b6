"""Warnings as JSON text, so that a repeated operation is answered with what was said the first time."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

import orjson

from ledger.model import Meter, Warning, WindowKind

_FIELDS = tuple(field.name for field in fields(Warning))


def dump_warnings(warnings: Iterable[Warning]) -> str:
    """The stored form: what is unknown or false is left out."""
    kept = [
        {name: value for name in _FIELDS if (value := getattr(each, name)) is not None and value is not False}
        for each in warnings
    ]
    return orjson.dumps(kept).decode()


def load_warnings(text: str | None) -> tuple[Warning, ...]:
    """The warnings of a stored text."""
    if not text:
        return ()
    return tuple(_warning(each) for each in orjson.loads(text))


def _warning(fields: dict[str, Any]) -> Warning:
    meter, window = fields.pop("meter", None), fields.pop("window", None)
    return Warning(
        **fields,
        meter=None if meter is None else Meter(meter),
        window=None if window is None else WindowKind(window),
    )
