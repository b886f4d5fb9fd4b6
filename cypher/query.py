"""The typed handle of one query text: its name, its parameters, its row."""

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, LiteralString, TypeVar, cast

ROOT = Path(__file__).parent

P = TypeVar("P")
R = TypeVar("R")


class NoParams(dict[str, Any]):
    """The parameter model of a query without parameters."""


class NoRow(dict[str, Any]):
    """The row model of a query that returns nothing."""


@dataclass(frozen=True)
class CypherQuery(Generic[P, R]):
    """One query: ``name`` is its path below ``cypher/`` without the suffix.

    ``params`` and ``row`` are TypedDict classes: the type checker holds call sites to them, the
    tests hold the text to them (``$names`` equal the parameters, ``RETURN`` aliases equal the row).
    A query without parameters or rows names ``NoParams`` or ``NoRow``.
    """

    name: str
    params: type[P]
    row: type[R]

    @cached_property
    def text(self) -> LiteralString:
        """The Cypher text. It is a constant of the package, hence ``LiteralString``."""
        return cast("LiteralString", (ROOT / f"{self.name}.cypher").read_text(encoding="utf-8"))


def all_queries() -> list[CypherQuery[Any, Any]]:
    """Every declared query of every aggregate folder, by name."""
    found: dict[str, CypherQuery[Any, Any]] = {}
    for info in pkgutil.iter_modules([str(ROOT)]):
        if info.ispkg:
            module = importlib.import_module(f"cypher.{info.name}")
            for value in vars(module).values():
                if isinstance(value, CypherQuery):
                    found[value.name] = value  # pyright: ignore[reportUnknownArgumentType]
    return [found[name] for name in sorted(found)]
