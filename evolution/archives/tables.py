"""Our own formats: JSON lines (agents, evaluations, an experiment in one file) and CSV (one kind per file).

The words are those of the API in snake case. What a line is, its fields tell: one with a ``task_id`` is an
evaluation, one with an ``experiment_id`` the experiment, any other an agent. A CSV's header decides for all.

==============  ==========================================================================================
agent           agent_id, parent_agent_ids, generation, operator, island
evaluation      agent_id, task_id, score, cost, currency, seconds, tokens, role, trial, operation_ids
experiment      experiment_id, reference_price, and the fields of ``evolution.records.Experiment``
==============  ==========================================================================================

``cost`` and ``reference_price`` are amounts in units, exact as written; no cost is unknown, not 0.
"""

import csv
import json
from collections.abc import Generator, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, NoReturn, cast

from evolution.archives.base import Archive, Collector, Fields, operator_of
from evolution.checks import check_fraction
from evolution.errors import InvalidInput
from evolution.records import AgentNode, Evaluation, Experiment, Role
from pricing.money import format_nano

AGENT: Final = ("agent_id", "parent_agent_ids", "generation", "operator", "island")
EVALUATION: Final = (
    "agent_id",
    "task_id",
    "score",
    "cost",
    "currency",
    "seconds",
    "tokens",
    "role",
    "trial",
    "operation_ids",
)
DEFAULT_CURRENCY: Final = "USD"

_AGENT_FIELDS: Final = frozenset(AGENT)
_EVALUATION_FIELDS: Final = frozenset(EVALUATION)
_ROLES: Final[Mapping[str, Role]] = {role.value: role for role in Role}


class _Reading:
    """One pass over lines: what was found, and the one currency that all of it is in."""

    def __init__(self) -> None:
        self.nodes: list[AgentNode] = []
        self.evaluations: list[Evaluation] = []
        self.experiment: Experiment | None = None
        self._currency: str | None = None

    def take(self, values: Mapping[str, Any]) -> None:
        """One line, whatever it is."""
        if "task_id" in values:
            self.evaluations.append(self._evaluation(Fields(values)))
        elif "experiment_id" in values:
            if self.experiment is not None:
                raise InvalidInput("experiment_id: the experiment comes twice", field="experiment_id")
            self.experiment = _experiment(values)
            self._same(self.experiment.currency)
        else:
            self.nodes.append(_node(Fields(values)))

    def archive(self) -> Archive:
        """All of it; without an experiment's line, the currency makes one where it is not the default."""
        return Archive(tuple(self.nodes), tuple(self.evaluations), self.experiment)

    def _evaluation(self, row: Fields) -> Evaluation:
        row.known(_EVALUATION_FIELDS)
        cost_nano = row.money("cost")
        if (currency := row.text("currency")) is not None or cost_nano is not None:
            self._same(currency or DEFAULT_CURRENCY)
        score = row.number("score")
        if score is not None:
            _fraction(score)
        role = row.text("role")
        if role is not None and role.lower() not in _ROLES:
            raise InvalidInput(f"role: {role!r} is none of {', '.join(_ROLES)}", field="role")
        return Evaluation(
            row.needed("agent_id"),
            row.needed("task_id"),
            score,
            cost_nano,
            row.number("seconds"),
            row.whole("tokens"),
            Role.EVALUATE if role is None else _ROLES[role.lower()],
            row.whole("trial") or 0,
            row.texts("operation_ids"),
        )

    def _same(self, currency: str) -> None:
        """Agents are comparable in one currency only: a sum of two would be no sum."""
        self._currency = self._currency or currency
        if currency != self._currency:
            raise InvalidInput(
                f"currency: {currency} beside {self._currency}; an experiment has one currency",
                field="currency",
            )


def _fraction(score: float) -> None:
    try:
        check_fraction(score, "score")
    except InvalidInput as error:
        raise InvalidInput(f"score: {score} is not in [0, 1]", field="score") from error


def _node(row: Fields) -> AgentNode:
    row.known(_AGENT_FIELDS)
    parents = row.texts("parent_agent_ids")
    if len(set(parents)) < len(parents):
        raise InvalidInput("parent_agent_ids: a parent is named twice", field="parent_agent_ids")
    return AgentNode(
        row.needed("agent_id"),
        parents,
        row.whole("generation") or 0,
        operator_of(row.text("operator"), parents),
        row.text("island"),
    )


def _experiment(values: Mapping[str, Any]) -> Experiment:
    from evolution.codec import from_json  # noqa: PLC0415 - pydantic takes half a second that most files save

    said = dict(values)
    reference = Fields(said).money("reference_price")
    said.pop("reference_price", None)
    if reference is not None:
        said["c0_nano"] = reference
    return from_json(Experiment, {name: _plain(value) for name, value in said.items()})


def _plain(value: object) -> object:
    """Decimals of JSON numbers back to floats: the record has no money in units left."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in cast("dict[str, object]", value).items()}
    return value


def read_jsonl(lines: Iterable[str], name: str = "line") -> Archive:
    """A JSON object per line; empty lines are passed over. Raises ``BadArchive``.

    ``name`` stands before line numbers in messages.
    """
    found, bad = _Reading(), Collector()
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if text:
            bad.read(f"{name} {number}", text, lambda text: found.take(_object(text)))
    bad.end()
    return found.archive()


def _object(text: str) -> Mapping[str, Any]:
    try:
        # Numbers with a point stay exact: some of them are money.
        value = json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise InvalidInput(f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise InvalidInput("not a JSON object")
    return cast("Mapping[str, Any]", value)


def _no_constant(text: str) -> NoReturn:
    raise InvalidInput(f"{text} is not a number of JSON")


def read_csv(lines: Iterable[str], name: str = "line") -> Archive:
    """One file of agents or of evaluations, told apart by its header. Raises ``BadArchive``."""
    found, bad = _Reading(), Collector()
    for place, values in csv_rows(lines, bad, name):
        bad.read(place, values, found.take)
    bad.end()
    return found.archive()


def csv_rows(
    lines: Iterable[str], bad: Collector, name: str = "line"
) -> Generator[tuple[str, dict[str, str]]]:
    """Each row by its header's words, with its place; rows of another length are refused."""
    reader = csv.reader(lines, strict=True)
    try:
        header = [each.strip().lstrip("\ufeff") for each in next(reader, list[str]())]
        if len(set(header)) < len(header) or "" in header:
            bad.refuse(f"{name} 1", "the header names a column twice, or has one without a name")
            return
        for cells in reader:
            place = f"{name} {reader.line_num}"
            if not cells:
                continue
            if len(cells) != len(header):
                bad.refuse(place, f"{len(cells)} cells under a header of {len(header)}")
                continue
            yield place, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        bad.refuse(f"{name} {reader.line_num}", f"not CSV: {error}")


def write_jsonl(archive: Archive) -> Generator[str]:
    """The lines that ``read_jsonl`` reads the same from: experiment, agents, evaluations."""
    currency = DEFAULT_CURRENCY
    if archive.experiment is not None:
        currency = archive.experiment.currency
        yield _line(experiment_words(archive.experiment))
    for node in archive.nodes:
        yield _line(agent_words(node))
    for each in archive.evaluations:
        yield _line(evaluation_words(each, currency))


def _line(words: Mapping[str, Any]) -> str:
    return json.dumps(words, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def experiment_words(experiment: Experiment) -> dict[str, Any]:
    """An experiment's line: what differs from the defaults."""
    from evolution.codec import to_json  # noqa: PLC0415 - as above

    default = to_json(Experiment(experiment.experiment_id))
    said = {k: v for k, v in to_json(experiment).items() if v != default[k] or k == "experiment_id"}
    if (c0_nano := said.pop("c0_nano", None)) is not None:
        said["reference_price"] = format_nano(c0_nano)
    return said


def agent_words(node: AgentNode) -> dict[str, Any]:
    """An agent's line."""
    said: dict[str, Any] = {
        "agent_id": node.agent_id,
        "parent_agent_ids": list(node.parent_ids),
        "generation": node.generation,
        "operator": node.operator.value,
    }
    return said if node.island is None else {**said, "island": node.island}


def evaluation_words(each: Evaluation, currency: str = DEFAULT_CURRENCY) -> dict[str, Any]:
    """An evaluation's line; money as exact text."""
    said: dict[str, Any] = {
        "agent_id": each.agent_id,
        "task_id": each.task_id,
        "score": each.score,
        "cost": None if each.cost_nano is None else format_nano(each.cost_nano),
        "currency": currency,
        "seconds": each.seconds,
        "tokens": each.tokens,
        "role": each.role.value,
        "trial": each.trial,
        "operation_ids": list(each.operation_ids) or None,
    }
    return {name: value for name, value in said.items() if value is not None or name == "score"}
