"""What the description of a route is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel

Json = dict[str, Any]

TEXT: Final[Json] = {"type": "string", "minLength": 1}
INSTANT: Final[Json] = {"type": "string", "format": "date-time"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """What is said in the path or behind the question mark."""

    name: str
    text: str
    schema: Mapping[str, Any]
    example: str | None = None
    needed: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is no problem. A body is JSON unless a media type is named."""

    text: str
    example: Json | None = None
    media_types: tuple[str, ...] = ("application/json",)


@dataclass(frozen=True, slots=True)
class Operation:
    """A route. ``problems`` are the statuses of its own refusals, beside those that every route has."""

    tag: str
    summary: str
    answers: Mapping[int, Answer]
    path: tuple[Parameter, ...] = ()
    query: tuple[Parameter, ...] = ()
    body: type[BaseModel] | Json | None = None
    example: Json | None = None
    many: bool = False
    """Whether an array of bodies is taken, too."""
    problems: tuple[int, ...] = ()


def words(kind: type[StrEnum]) -> Json:
    """The schema of an enum's words."""
    return {"type": "string", "enum": [each.value for each in kind]}
