"""Whether our packages are those that get imported. Needs nothing but the standard library.

The application ships packages with plain names, ``graph`` or ``schema``, which others may have, too. What
shadows one of them breaks every import after it, so this is looked at before anything else is imported.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Final

ROOMS: Final = (
    "cypher",
    "evolution",
    "graph",
    "insight",
    "ledger",
    "pricing",
    "resolvers",
    "schema",
    "server",
)
HOME: Final = Path(__file__).resolve().parent.parent


class State(StrEnum):
    """How serious it is."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; ``next_step`` says what to do where it is not OK."""

    check: str
    state: State
    found: str
    next_step: str = ""


def imports(path: Sequence[str] | None = None) -> Finding:
    """Whether every room is ours, along an import path (default: this process's)."""
    foreign: list[str] = []
    for room in ROOMS:
        spec = PathFinder.find_spec(room, path)
        origin = None if spec is None or spec.origin is None else Path(spec.origin).resolve()
        if origin is None or origin.parent.parent != HOME:
            foreign.append(f"{room} ({origin or 'nowhere'})")
    if not foreign:
        return Finding("imports", State.OK, f"all {len(ROOMS)} packages come from {HOME}")
    return Finding(
        "imports",
        State.FAILED,
        f"other packages shadow ours: {', '.join(foreign)}",
        "Install Costgraph into an environment of its own (uv tool install, pipx), without PYTHONPATH.",
    )
