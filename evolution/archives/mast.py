"""The CSV files of MAST runs (mert-cemri/openevolve-mast): openevolve's programs, out of checkpoints.

They hold no prices. Their prompts and programs are given in characters; a quarter of a token each is the
usual estimate (``chars_div_4``), good for orders of magnitude and no more. With ``Rates`` the call that wrote
each program is priced from it: as the cost of building it, unless the caller says otherwise.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from evolution.archives.base import Archive, Collector, Fields, Notes, Scale
from evolution.archives.openevolve import MIGRANT, TASK
from evolution.archives.tables import csv_rows
from evolution.records import AgentNode, Evaluation, Operator, Role
from pricing.money import to_nano

COLUMNS: Final = frozenset(
    {"id", "parent_id", "generation", "code_chars", "llm_prompt_chars", "combined_score", "error"}
)
BUILD_TASK: Final = "build"
CHARS_PER_TOKEN: Final = 4


@dataclass(frozen=True, slots=True)
class Rates:
    """Prices per million tokens, of the experiment's currency."""

    prompt: Decimal
    completion: Decimal

    def nano(self, prompt_tokens: int, completion_tokens: int) -> int:
        """What a call costs, in nano-units."""
        return to_nano((self.prompt * prompt_tokens + self.completion * completion_tokens) / 1_000_000)


def read_mast(
    lines: Iterable[str],
    rates: Rates | None = None,
    *,
    role: Role = Role.BUILD,
    scale: Scale | None = None,
    name: str = "line",
) -> Archive:
    """A run's agents, one evaluation each, and with ``rates`` the estimated cost of writing each program.

    ``role`` BUILD keeps that cost apart from the evaluation, whose own cost nobody recorded. EVALUATE charges
    it to the evaluation: a study that counts what an agent cost to make. Raises ``BadArchive``.
    """
    bad, notes, fit = Collector(), Notes(), scale or Scale()
    nodes: list[AgentNode] = []
    evaluations: list[Evaluation] = []
    seen = False
    for place, values in csv_rows(lines, bad, name):
        if not seen and (missing := sorted(COLUMNS - values.keys())):
            bad.refuse(f"{name} 1", f"no column {missing[0]}", missing[0])
            break
        seen = True
        if (node := bad.read(place, values, _node)) is not None:
            nodes.append(node)
        made = bad.read(place, values, lambda each: _evaluations(each, rates, role, fit, notes))
        evaluations.extend(made or ())
    bad.end()
    return Archive(tuple(nodes), tuple(evaluations), None, notes.texts())


def _node(values: Mapping[str, str]) -> AgentNode:
    row = Fields(values)
    agent_id, parent = row.needed("id"), row.text("parent_id")
    operator = Operator.SEED if parent is None else Operator.MUTATION
    return AgentNode(
        agent_id,
        () if parent is None else (parent,),
        row.whole("generation") or 0,
        Operator.MIGRANT if MIGRANT in agent_id else operator,
        row.text("island"),
    )


def _evaluations(
    values: Mapping[str, str], rates: Rates | None, role: Role, scale: Scale, notes: Notes
) -> list[Evaluation]:
    row = Fields(values)
    agent_id = row.needed("id")
    prompt = (row.whole("llm_prompt_chars") or 0) // CHARS_PER_TOKEN
    completion = (row.whole("code_chars") or 0) // CHARS_PER_TOKEN
    raw = None if row.text("error") else row.number("combined_score")
    if raw is None:
        notes.count("programs failed without a score")
    score = None if raw is None else scale.fraction(raw)
    # A copy on another island, and the first program, were written by no call.
    written = prompt > 0
    cost_nano = rates.nano(prompt, completion) if rates is not None and written else None
    if role is not Role.BUILD:
        return [Evaluation(agent_id, TASK, score, cost_nano, tokens=prompt + completion if written else None)]
    found = [Evaluation(agent_id, TASK, score, None)]
    if written:
        tokens = prompt + completion
        found.append(Evaluation(agent_id, BUILD_TASK, None, cost_nano, tokens=tokens, role=Role.BUILD))
    return found
