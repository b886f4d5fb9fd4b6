"""What every generation cost, by what the money was for; evaluations of unknown cost are counted apart."""

from collections.abc import Iterable
from dataclasses import dataclass

from evolution.lineage import Lineage
from evolution.records import Evaluation, Role
from evolution.totals import distinct


@dataclass(frozen=True, slots=True)
class GenerationSpend:
    """One generation. Money in nano-units, exactly; ``generation`` None: agents outside of the lineage."""

    generation: int | None
    agents: int
    build_nano: int
    evaluate_nano: int
    serve_nano: int
    unknown: int
    """Evaluations and builds whose cost nobody knows: the sums are lower bounds by so many."""

    @property
    def total_nano(self) -> int:
        """All that is known."""
        return self.build_nano + self.evaluate_nano + self.serve_nano


@dataclass(frozen=True, slots=True)
class SpendFigure:
    """Generations in order, those outside of the lineage last."""

    currency: str
    generations: tuple[GenerationSpend, ...]
    title: str = ""

    @property
    def total_nano(self) -> int:
        """All that is known."""
        return sum(each.total_nano for each in self.generations)

    @property
    def unknown(self) -> int:
        """How many costs are not."""
        return sum(each.unknown for each in self.generations)


def spend_figure(
    lineage: Lineage, evaluations: Iterable[Evaluation], currency: str = "USD", title: str = ""
) -> SpendFigure:
    """Add up every evaluation once, whatever its role. Raises ``Conflict`` for one key with two contents."""
    spent: dict[int | None, dict[Role, int]] = {}
    unknown: dict[int | None, int] = {}
    agents: dict[int | None, int] = {}
    for node in lineage.nodes:
        agents[node.generation] = agents.get(node.generation, 0) + 1
    strangers: set[str] = set()
    for each in distinct(evaluations):
        place = lineage.index.get(each.agent_id)
        generation = None if place is None else lineage.nodes[place].generation
        if place is None:
            strangers.add(each.agent_id)
        if each.cost_nano is None:
            unknown[generation] = unknown.get(generation, 0) + 1
        else:
            roles = spent.setdefault(generation, {})
            roles[each.role] = roles.get(each.role, 0) + each.cost_nano
    if strangers:
        agents[None] = len(strangers)
    order = sorted(agents, key=lambda generation: (generation is None, generation or 0))
    return SpendFigure(
        currency,
        tuple(
            GenerationSpend(
                generation,
                agents[generation],
                _sum(spent, generation, Role.BUILD),
                _sum(spent, generation, Role.EVALUATE),
                _sum(spent, generation, Role.SERVE),
                unknown.get(generation, 0),
            )
            for generation in order
        ),
        title,
    )


def _sum(spent: dict[int | None, dict[Role, int]], generation: int | None, role: Role) -> int:
    return spent.get(generation, {}).get(role, 0)
