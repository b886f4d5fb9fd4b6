"""Changes to experiments: what takes part, what was evaluated, who is selected. None of it moves money."""

from collections.abc import Sequence
from typing import Any, cast

import strawberry

from evolution.errors import Conflict, EvolutionError
from evolution.errors import InvalidInput as InvalidSelection
from evolution.stored import (
    EvaluationEntry,
    MemberEntry,
    StoredExperiment,
    StoredSelection,
    Written,
)
from ledger.access import Permission
from ledger.commands import RegisterAgent
from ledger.errors import InvalidInput, LedgerError, NotFound
from ledger.model import Agent, BudgetType, uid_of
from ledger.service import BATCH_MAX
from pricing.errors import PricingError
from resolvers.info import Info
from resolvers.queries.experiment import experiment_seen
from resolvers.selecting import Wish, chosen, frozen_by, repeated
from schema.access import guarded
from schema.experiment import Experiment
from schema.experiment_inputs import (
    CreateExperimentInput,
    RecordedAgent,
    RecordedEvaluation,
    RecordEvaluationInput,
    RecordEvaluationResult,
    RecordLineageInput,
    RecordLineageResult,
    RefusedRow,
    RowError,
    json_text,
    refusal_of,
)
from schema.selection import SelectAgentsInput, Selection
from schema.words import nano


def check_batch(rows: Sequence[object], field: str) -> None:
    """Raise ``InvalidInput`` for more rows than one call may have."""
    if len(rows) > BATCH_MAX:
        raise InvalidInput(f"{len(rows)} {field} in one call; at most {BATCH_MAX} are taken", field=field)


async def registered(
    info: Info, experiment: StoredExperiment, entries: Sequence[MemberEntry]
) -> list[Agent | LedgerError]:
    """Have the ledger know the agents and their lineage; those that are new are at home in its budget."""
    context, principal = info.context, info.context.principal
    uids = [uid_of(principal.tenant, each.node.agent_id) for each in entries]
    known = await context.read(context.services.agents.get, uids)
    commands = [
        RegisterAgent(
            principal.tenant,
            principal.scope_uid,
            entry.node.agent_id,
            entry.name,
            entry.node.parent_ids,
            None if uid in known else cast("str", experiment.record.budget_id),
            metadata=entry.metadata,
        )
        for uid, entry in zip(uids, entries, strict=True)
    ]
    return await context.services.ledger.register_many(commands)


async def lineage_recorded(
    info: Info, experiment: StoredExperiment, inputs: Sequence[RecordLineageInput]
) -> list[RecordLineageResult]:
    """What became of each row, in their order."""
    store, read = info.context.services.experiments, info.context.read
    refused: dict[int, RowError] = {}
    entries: dict[int, MemberEntry] = {}
    for number, each in enumerate(inputs):
        try:
            entries[number] = each.entry()
        except (EvolutionError, LedgerError, PricingError) as error:
            refused[number] = error
    names = [entry.node.agent_id for entry in entries.values()]
    known = await read(store.known_members, experiment, names)
    # Who is recorded with other content is not registered either: nothing is half-written.
    fresh = {number: entry for number, entry in entries.items() if entry.node.agent_id not in known}
    answers = await registered(info, experiment, list(fresh.values()))
    refused |= {
        number: answer
        for number, answer in zip(fresh, answers, strict=True)
        if isinstance(answer, LedgerError)
    }
    good = {number: entry for number, entry in entries.items() if number not in refused}
    written = dict(zip(good, await read(store.record_members, experiment, list(good.values())), strict=True))
    results: list[RecordLineageResult] = []
    for number, each in enumerate(inputs):
        error = refused.get(number) or refusal_of(written[number], f"Agent {each.agent_id}", each.agent_id)
        results.append(
            RecordedAgent(agent_id=each.agent_id, duplicate=written[number] is Written.DUPLICATE)
            if error is None
            else RefusedRow.of(number, each.agent_id, error)
        )
    return results


async def evaluations_recorded(
    info: Info, experiment: StoredExperiment, inputs: Sequence[RecordEvaluationInput]
) -> list[RecordEvaluationResult]:
    """What became of each row, in their order."""
    scope_uid, currency = info.context.principal.scope_uid, experiment.record.currency
    refused: dict[int, RowError] = {}
    entries: dict[int, EvaluationEntry] = {}
    for number, each in enumerate(inputs):
        try:
            entries[number] = each.entry(currency, scope_uid)
        except (EvolutionError, LedgerError, PricingError) as error:
            refused[number] = error
    record = info.context.services.experiments.record_evaluations
    answers = await info.context.read(record, experiment, list(entries.values()))
    written = dict(zip(entries, answers, strict=True))
    results: list[RecordEvaluationResult] = []
    for number, each in enumerate(inputs):
        error = refused.get(number) or refusal_of(
            written[number], f"Evaluation {each.evaluation_id}", each.agent_id
        )
        results.append(
            RecordedEvaluation(
                evaluation_id=each.evaluation_id, duplicate=written[number] is Written.DUPLICATE
            )
            if error is None
            else RefusedRow.of(number, each.evaluation_id, error)
        )
    return results


def wish_of(said: SelectAgentsInput, seed: int) -> Wish:
    """What is asked for. Raises ``EvolutionError``, ``PricingError``."""
    parameters: Any = {} if said.parameters is None else said.parameters
    if not isinstance(parameters, dict):
        raise InvalidSelection("parameters must be an object", field="parameters")
    return Wish(
        said.selector,
        said.k,
        seed if said.seed is None else said.seed,
        cast("dict[str, Any]", parameters),
        nano(said.budget, "budget"),
        said.replace,
        said.generation,
        None if said.agent_ids is None else tuple(said.agent_ids),
        said.selection_id,
    )


async def selected(info: Info, experiment: StoredExperiment, wish: Wish) -> StoredSelection:
    """The selection, kept. Raises ``EvolutionError``."""
    context, store = info.context, info.context.services.experiments
    if wish.selection_id is not None:
        found = await context.read(store.selection, experiment, wish.selection_id)
        if found is not None:
            return repeated(found, wish)
    analysis = await context.analysis(experiment)
    if not experiment.frozen and analysis.comparable:
        frozen = await context.read(store.freeze, frozen_by(analysis, experiment), context.principal.key_id)
        if frozen.record != analysis.experiment:
            # Somebody else was first: theirs are in force.
            context.renew()
            await context.load_view()
            analysis = await context.analysis(frozen)
    made = await context.work(lambda: chosen(analysis, experiment.experiment_id, wish))
    stored = StoredSelection(made, wish.request, context.services.clock())
    return repeated(await context.read(store.keep, experiment, stored), wish)


@strawberry.type
class ExperimentMutations:
    """What can be done to experiments."""

    @guarded(
        Permission.RESEARCH,
        description="Create an experiment on a budget of the type EXPERIMENT. Asked again with equal "
        "content, the answer is the same.",
    )
    async def create_experiment(self, info: Info, input: CreateExperimentInput) -> Experiment:
        """A new experiment."""
        info.context.renew()
        principal = info.context.principal
        budget = (await info.context.load_view()).find(input.budget_id)
        if budget is None:
            raise NotFound(f"There is no budget {input.budget_id}.", field="budget_id")
        if budget.budget_type is not BudgetType.EXPERIMENT:
            raise InvalidInput(
                f"Budget {input.budget_id} is of the type {budget.budget_type.name}, not EXPERIMENT.",
                field="budget_id",
            )
        said = StoredExperiment(
            principal.tenant,
            input.record(budget.currency),
            budget.uid,
            input.name,
            json_text(input.metadata, "metadata"),
            info.context.services.clock(),
        ).with_fingerprint()
        found = await info.context.read(info.context.services.experiments.create, said, principal.key_id)
        if found.fingerprint != said.fingerprint:
            raise Conflict(f"Experiment id {input.experiment_id} is taken.", field="experiment_id")
        return Experiment.of(found)

    @guarded(
        Permission.RESEARCH,
        description=f"Let up to {BATCH_MAX} agents take part, parents before their children: a bad one fails "
        "alone. The ledger knows them and their lineage afterwards. Send them as a variable.",
    )
    async def record_lineage(
        self, info: Info, experiment_id: strawberry.ID, agents: list[RecordLineageInput]
    ) -> list[RecordLineageResult]:
        """What became of each agent, in the order of the inputs."""
        check_batch(agents, "agents")
        info.context.renew()
        return await lineage_recorded(info, await experiment_seen(info, experiment_id), agents)

    @guarded(
        Permission.RESEARCH,
        description=f"Record up to {BATCH_MAX} evaluations of agents that take part: a bad one fails alone. "
        "Send them as a variable.",
    )
    async def record_evaluations(
        self, info: Info, experiment_id: strawberry.ID, evaluations: list[RecordEvaluationInput]
    ) -> list[RecordEvaluationResult]:
        """What became of each evaluation, in the order of the inputs."""
        check_batch(evaluations, "evaluations")
        info.context.renew()
        return await evaluations_recorded(info, await experiment_seen(info, experiment_id), evaluations)

    @guarded(
        Permission.RESEARCH,
        description="Freeze the references (price, seconds and tokens of a success) from generation 0, where "
        "they are not declared. They stay as they are from then on.",
    )
    async def freeze_experiment(self, info: Info, experiment_id: strawberry.ID) -> Experiment:
        """A frozen experiment."""
        info.context.renew()
        experiment = await experiment_seen(info, experiment_id)
        if experiment.frozen:
            return Experiment.of(experiment)
        analysis = await info.context.analysis(experiment)
        if not analysis.comparable:
            raise InvalidInput(
                "No founder has a known cost: there is nothing to freeze yet.", field="experiment_id"
            )
        freeze, author = info.context.services.experiments.freeze, info.context.principal.key_id
        return Experiment.of(await info.context.read(freeze, frozen_by(analysis, experiment), author))

    @guarded(
        Permission.RESEARCH,
        description="Choose agents, and keep the choice with its seed, parameters and candidates, so that it "
        "can be made again.",
    )
    async def select_agents(self, info: Info, input: SelectAgentsInput) -> Selection:
        """A selection."""
        info.context.renew()
        experiment = await experiment_seen(info, input.experiment_id)
        return Selection.of(await selected(info, experiment, wish_of(input, experiment.record.seed)))
