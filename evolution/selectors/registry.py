"""Every selector by its name, so that a stored selection finds the one that made it."""

from collections.abc import Mapping
from typing import Any, Final

from evolution.codec import from_json
from evolution.errors import InvalidInput
from evolution.selectors.base import Selector
from evolution.selectors.clade import CladeThompson
from evolution.selectors.frontier import DominanceFrontier, HullFrontier
from evolution.selectors.grid import EliteGrid
from evolution.selectors.lexicase import CostLexicase, Lexicase
from evolution.selectors.nsga2 import Nsga2
from evolution.selectors.rank import LinearRank
from evolution.selectors.roulette import Roulette
from evolution.selectors.softmax import Softmax
from evolution.selectors.sus import UniversalSampling
from evolution.selectors.tournament import Tournament
from evolution.selectors.truncation import Truncation
from evolution.selectors.within import WithinBudget

SELECTORS: Final[Mapping[str, type[Any]]] = {
    kind.name: kind
    for kind in (
        Tournament,
        LinearRank,
        Roulette,
        UniversalSampling,
        Truncation,
        Softmax,
        Lexicase,
        CostLexicase,
        Nsga2,
        DominanceFrontier,
        HullFrontier,
        EliteGrid,
        CladeThompson,
        WithinBudget,
    )
}


def selector_of(name: str, parameters: Mapping[str, Any] | None = None) -> Selector:
    """The selector of that name with those parameters (as JSON). Raises ``InvalidInput``."""
    kind = SELECTORS.get(name)
    if kind is None:
        raise InvalidInput(
            f"no selector {name!r}; there are {', '.join(sorted(SELECTORS))}", field="selector"
        )
    selector: Selector = from_json(kind, dict(parameters or {}))
    return selector
