"""One example at least per query: what is in the graph, the parameters, and so a row.

A module per aggregate, each with ``EXAMPLES``::

    EXAMPLES = (
        Example(
            budgets.LINEAGE,
            {"uid": "acme/task"},
            given=(
                "CREATE (:Budget {uid: 'acme/root'})-[:PARENT_OF]->(:Budget {uid: 'acme/task'})",
                (budgets.RENAME, {"uid": "acme/root", "name": "Root"}),
            ),
        ),
    )

``given`` holds bare Cypher texts, or declared queries with their parameters, run in order. It all
happens in a transaction that is rolled back, on a graph that other tests have used: take uids that
nobody else takes. ``Example`` is typed by its query, so the type checker holds ``params`` to it.
"""

import importlib
import pkgutil
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, LiteralString, TypeVar

from cypher.query import CypherQuery

P = TypeVar("P")

Given = LiteralString | tuple[CypherQuery[Any, Any], Mapping[str, Any]]


@dataclass(frozen=True)
class Example(Generic[P]):
    """A query's parameters, and what must be in the graph for it to find or do something."""

    query: CypherQuery[P, Any]
    params: P
    given: tuple[Given, ...] = ()


def all_examples() -> dict[str, list[Example[Any]]]:
    """Every example of every module here, by the query's name."""
    found: defaultdict[str, list[Example[Any]]] = defaultdict(list)
    for info in pkgutil.iter_modules(__path__):
        for example in importlib.import_module(f"{__name__}.{info.name}").EXAMPLES:
            found[example.query.name].append(example)
    return found
