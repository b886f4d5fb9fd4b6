"""Records to plain JSON values and back: ``from_json(Evaluation, to_json(evaluation)) == evaluation``."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from evolution.errors import EvolutionError, InvalidInput

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Record = TypeVar("Record")


@cache
def _adapter(kind: type[Record]) -> "TypeAdapter[Record]":
    from pydantic import TypeAdapter  # noqa: PLC0415 - half a second that a caller without JSON saves

    return TypeAdapter(kind)


def to_json(record: object) -> dict[str, Any]:
    """Maps, lists, strings, numbers, booleans and None."""
    return _adapter(type(record)).dump_python(record, mode="json")


def from_json(kind: type[Record], value: object) -> Record:
    """The record. Raises ``InvalidInput`` that names the field, for words unknown to it, too."""
    from pydantic import ValidationError  # noqa: PLC0415 - as above

    if is_dataclass(kind) and isinstance(value, Mapping):
        known = {each.name for each in fields(kind)}
        for name in cast("Mapping[object, object]", value):
            if name not in known:
                raise InvalidInput(f"{kind.__name__} has no {name!r}", field=str(name))
    try:
        return _adapter(kind).validate_python(value)
    except EvolutionError:
        raise
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InvalidInput(f"{place}: {first['msg']}", field=place) from None
