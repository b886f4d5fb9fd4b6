"""Experiments, and the prompts that follow from them."""

import strawberry

from evolution.analysis import ScoringOptions
from evolution.prompts import cost_aware_prompt
from evolution.stored import StoredExperiment
from ledger.access import Permission
from ledger.errors import InvalidInput, NotFound
from resolvers import cursors
from resolvers.info import Info
from schema.access import guarded
from schema.experiment import Experiment, ExperimentConnection
from schema.page import PageInfo
from schema.words import check_first


async def experiment_seen(info: Info, experiment_id: str) -> StoredExperiment:
    """An experiment that the caller sees. Raises ``NotFound``."""
    row = await info.context.experiment(experiment_id)
    if row is None:
        raise NotFound(f"There is no experiment {experiment_id}.", field="experiment_id")
    return row


@strawberry.type
class ExperimentQueries:
    """What can be asked of experiments."""

    @guarded(
        Permission.READ, description="The experiment with that id; null where there is none for this key."
    )
    async def experiment(self, info: Info, experiment_id: strawberry.ID) -> Experiment | None:
        """One experiment."""
        row = await info.context.experiment(experiment_id)
        return None if row is None else Experiment.of(row)

    @guarded(Permission.READ, description="The experiments on budgets that the key sees, by id.")
    async def experiments(
        self, info: Info, first: int = 50, after: str | None = None
    ) -> ExperimentConnection:
        """A page of experiments."""
        context, length = info.context, check_first(first)
        after_id = cursors.after_of(cursors.EXPERIMENTS, after)
        view = await context.load_view()
        seen = None if view.scope_uid is None else [budget.uid for budget in view.all()]
        page, tenant = context.services.experiments.page, context.principal.tenant
        rows = await context.read(page, tenant, after_id, length + 1, seen)
        shown = rows[:length]
        context.admit(len(shown))
        end = cursors.cursor_of(cursors.EXPERIMENTS, shown[-1].experiment_id) if shown else None
        return ExperimentConnection(
            nodes=[Experiment.of(each) for each in shown],
            page_info=PageInfo(has_next_page=len(rows) > length, end_cursor=end),
        )

    @guarded(
        Permission.READ,
        description="A system prompt of the five directives, word for word, then the quality-against-cost "
        "levels that the budget's utilisation has reached, then advice where the agent's fitness in the "
        "experiment is low. Grading adds lines and drops none.",
    )
    async def cost_aware_prompt(
        self,
        info: Info,
        budget_id: strawberry.ID | None = None,
        agent_id: strawberry.ID | None = None,
        experiment_id: strawberry.ID | None = None,
    ) -> str:
        """A system prompt."""
        if (agent_id is None) is not (experiment_id is None):
            raise InvalidInput("agent_id and experiment_id come together", field="agent_id")
        view = await info.context.load_view()
        utilization = None
        if budget_id is not None:
            budget = view.find(budget_id)
            if budget is None:
                raise NotFound(f"There is no budget {budget_id}.", field="budget_id")
            utilization = (await info.context.standing(budget.uid)).standing.utilization
        dimensions = None
        if agent_id is not None and experiment_id is not None:
            await experiment_seen(info, experiment_id)
            fitness = await info.context.agent_fitness(agent_id, experiment_id, ScoringOptions())
            if fitness is None:
                raise NotFound(f"Agent {agent_id} takes no part in it.", field="agent_id")
            dimensions = fitness.dimensions
        return cost_aware_prompt(utilization, dimensions)
