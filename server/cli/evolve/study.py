"""A study: an experiment, its lineage and its evaluations, from files or from the service."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evolution.errors import InvalidInput
from evolution.lineage import Lineage
from evolution.records import AgentNode, Evaluation, Experiment
from evolution.scoring import freeze
from server.cli.errors import MISUSED, CliError
from server.cli.evolve.options import Scoring
from server.cli.options import Where

NOT_PRICED = "no evaluation has a known cost: cost efficiency is unknown for everybody"


@dataclass(frozen=True, slots=True)
class Study:
    """Everything that the commands look at. ``notes`` are for people."""

    experiment: Experiment
    lineage: Lineage
    evaluations: tuple[Evaluation, ...]
    notes: tuple[str, ...] = ()

    @property
    def dangling(self) -> int:
        """How many parents are named and not there."""
        return len(self.lineage.dangling)


def study_of(
    files: Sequence[Path] | None,
    experiment_id: str | None,
    where: Where,
    scoring: Scoring,
    *,
    referenced: bool = True,
) -> Study:
    """Load it from where the options say, and freeze its references. Raises ``CliError``.

    Not ``referenced``: who asks does not look at cost efficiency, and a missing reference price is no error.
    """
    if bool(files) == (experiment_id is not None):
        raise CliError(
            "Say which study: --file lineage.jsonl, or --experiment ID of the service, and not both.", MISUSED
        )
    if experiment_id is not None:
        from server.cli.evolve.service import fetch

        experiment, nodes, evaluations = fetch(experiment_id, where)
        return made(scoring.of(experiment), nodes, evaluations, referenced=referenced)
    from server.cli.evolve.files import read_archives

    archive = read_archives(files or ())
    experiment = archive.experiment or Experiment((files or [Path("study")])[0].stem[:256] or "study")
    return made(
        scoring.of(experiment), archive.nodes, archive.evaluations, archive.notes, referenced=referenced
    )


def made(
    experiment: Experiment,
    nodes: Sequence[AgentNode],
    evaluations: Sequence[Evaluation],
    notes: Sequence[str] = (),
    *,
    referenced: bool = True,
) -> Study:
    """A valid lineage, references frozen from generation 0, and remarks on what is incomplete.

    Agents that have evaluations and no line of their own become founders: a lineage may be left out.
    """
    known = {node.agent_id for node in nodes}
    strangers = sorted({each.agent_id for each in evaluations} - known)
    lineage = Lineage.of([*nodes, *(AgentNode(name) for name in strangers)])
    if not lineage.nodes:
        raise CliError("There is no agent in it.")
    remarks = list(notes)
    if strangers and nodes:
        remarks.append(f"{len(strangers):,} agents have evaluations and no lineage: taken as founders")
    if lineage.dangling:
        remarks.append(f"{len(lineage.dangling):,} parents are named and not in it: their children are roots")
    frozen = _frozen(experiment, lineage, evaluations, remarks, referenced=referenced)
    return Study(frozen, lineage, tuple(evaluations), tuple(remarks))


def _frozen(
    experiment: Experiment,
    lineage: Lineage,
    evaluations: Sequence[Evaluation],
    remarks: list[str],
    *,
    referenced: bool,
) -> Experiment:
    looked_at = frozenset(experiment.roles)
    priced = any(each.cost_nano is not None and each.role in looked_at for each in evaluations)
    if not priced:
        remarks.append(NOT_PRICED)
    # With no cost anywhere the reference decides nothing, and the formulas ask for one.
    bare = experiment if experiment.c0_nano is not None or priced else replace(experiment, c0_nano=1)
    try:
        return freeze(bare, evaluations, _founders(lineage))
    except InvalidInput as error:
        if error.field != "c0_nano":
            raise
        if not referenced:
            return freeze(replace(experiment, c0_nano=1), evaluations, _founders(lineage))
        raise CliError(
            "No agent of generation 0 has a known cost, from which the reference price of a success would be "
            f"frozen. Say it: --reference-price AMOUNT ({experiment.currency})."
        ) from None


def _founders(lineage: Lineage) -> list[str]:
    """Generation 0; where an archive has lost it, its roots."""
    first = [node.agent_id for node in lineage.nodes if node.generation == 0]
    return first or [lineage.nodes[i].agent_id for i in lineage.roots]


def reference_nano(study: Study) -> int | None:
    """What one success may cost; None where no cost is known, and so nothing was held against it."""
    return None if NOT_PRICED in study.notes else study.experiment.c0_nano


def summary(study: Study) -> dict[str, Any]:
    """What stands above a table, as JSON."""
    from evolution.codec import to_json
    from pricing.money import format_nano

    c0_nano = reference_nano(study)
    return {
        "experiment": to_json(replace(study.experiment, c0_nano=c0_nano)),
        "referencePrice": None if c0_nano is None else format_nano(c0_nano),
        "agents": len(study.lineage.nodes),
        "evaluations": len(study.evaluations),
        "danglingParents": study.dangling,
        "notes": list(study.notes),
    }
