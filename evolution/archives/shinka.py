"""ShinkaEvolve's archive: rows of the table ``programs`` of its SQLite file.

Read: id, parent_id, generation, island_idx, combined_score, correct and metadata (JSON). What the calls cost
that made a program (``api_costs``, ``embed_cost``, ``novelty_cost``, ``meta_cost``: USD) is its build; the
time of its evaluation is ``evaluation_seconds`` or ``compute_time``, and what that cost is not recorded
there: unknown. A program that is not ``correct`` has no score: it failed.
"""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, cast

from evolution.archives.base import Archive, Collector, Fields, Notes, Scale
from evolution.errors import InvalidInput
from evolution.records import AgentNode, Evaluation, Operator, Role

TASK: Final = "benchmark"
BUILD_TASK: Final = "build"
COSTS: Final = ("api_costs", "embed_cost", "novelty_cost", "meta_cost")
ORIGINAL: Final = "_original_program_id"
COLUMNS: Final = ("id", "parent_id", "generation", "island_idx", "combined_score", "correct", "metadata")
"""What a reader asks the table for."""


def read_shinka(rows: Iterable[Mapping[str, Any]], scale: Scale | None = None) -> Archive:
    """Rows by column name. Raises ``BadArchive`` that names the program."""
    bad, notes, fit = Collector(), Notes(), scale or Scale()
    nodes: list[AgentNode] = []
    evaluations: list[Evaluation] = []
    for number, row in enumerate(rows, 1):
        place = f"program {row.get('id') or number}"
        if (node := bad.read(place, row, lambda each: _node(each, notes))) is not None:
            nodes.append(node)
        evaluations.extend(bad.read(place, row, lambda each: _evaluations(each, fit, notes)) or ())
    bad.end()
    return Archive(tuple(nodes), tuple(evaluations), None, notes.texts())


def _node(values: Mapping[str, Any], notes: Notes) -> AgentNode:
    row, metadata = Fields(values), _metadata(values)
    parent, island = row.text("parent_id"), row.whole("island_idx")
    operator = Operator.SEED if parent is None else Operator.MUTATION
    if _is_copy(metadata):
        # It keeps its original's parent; where it comes from is told beside.
        parent, operator = Fields(metadata).text(ORIGINAL) or parent, Operator.MIGRANT
    elif parent is not None and metadata.get("patch_type") == "cross":
        # It saw a second program; which one of its inspirations that was is not recorded.
        operator = Operator.CROSSOVER
        notes.count("crossovers name one parent only")
    return AgentNode(
        row.needed("id"),
        () if parent is None else (parent,),
        row.whole("generation") or 0,
        operator,
        None if island is None else str(island),
    )


def _evaluations(values: Mapping[str, Any], scale: Scale, notes: Notes) -> list[Evaluation]:
    row, metadata = Fields(values), _metadata(values)
    agent_id = row.needed("id")
    raw = row.number("combined_score") if row.whole("correct") else None
    if raw is None:
        notes.count("programs failed without a score")
    figures = Fields(metadata)
    seconds = figures.number("evaluation_seconds")
    seconds = figures.number("compute_time") if seconds is None else seconds
    found = [Evaluation(agent_id, TASK, None if raw is None else scale.fraction(raw), None, seconds)]
    costs = [figures.money(name) for name in COSTS]
    # A copy was not made by calls of its own, whatever its original's metadata says; nor was a given program.
    if _is_copy(metadata) or (row.text("parent_id") is None and not costs[0]):
        return found
    # A call that a subscription paid is recorded there as 0: nobody knows what it cost.
    cost_nano = sum(each or 0 for each in costs) if costs[0] else None
    if cost_nano is None:
        notes.count("programs have an unknown cost of making them")
    return [*found, Evaluation(agent_id, BUILD_TASK, None, cost_nano, role=Role.BUILD)]


def _is_copy(metadata: Mapping[str, Any]) -> bool:
    return metadata.get("_is_island_copy") is True


def _metadata(values: Mapping[str, Any]) -> Mapping[str, Any]:
    text = values.get("metadata")
    if text is None or text == "":
        return {}
    try:
        found = json.loads(text, parse_float=Decimal)
    except (TypeError, json.JSONDecodeError) as error:
        raise InvalidInput(f"metadata: not JSON: {error}", field="metadata") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise InvalidInput("metadata: not a JSON object", field="metadata")
    return cast("Mapping[str, Any]", found)
