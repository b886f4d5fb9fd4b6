"""Archives of lineages, opened: what kind a path is, and the reader that it goes to.

The readers themselves are pure and live in ``evolution.archives``; files, folders and SQLite are read here.
"""

import contextlib
import io
import json
import sqlite3
import sys
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, TextIO, cast

from evolution.archives import mast, openevolve, shinka
from evolution.archives.base import WHOLE, Archive, Collector, Scale
from evolution.archives.tables import read_csv, read_jsonl
from evolution.errors import BadArchive, InvalidInput, Problem
from evolution.ports import LogEntry
from evolution.records import AgentNode, Experiment, Role
from server.cli.errors import MISUSED, CliError

RUN_BEGINS = '{"experiment": {'
SQLITE_MAGIC = b"SQLite format 3\0"


class Kind(StrEnum):
    """What an archive is."""

    JSONL = "jsonl"
    CSV = "csv"
    OPENEVOLVE = "openevolve"
    SHINKA = "shinka"
    MAST = "mast"
    RUN = "run"
    """The log of ``costgraph evolve run``."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What the command line says about archives beside their paths."""

    kind: Kind | None = None
    scale: Scale = WHOLE
    score_metric: str | None = None
    cost_metric: str | None = None
    seconds_metric: str | None = None
    rates: mast.Rates | None = None
    rates_as: Role = Role.BUILD


def read_archives(paths: Sequence[Path], opening: Opening | None = None) -> Archive:
    """All of them as one: lineages and evaluations may come in files of their own.

    Raises ``CliError`` where a path cannot be read, ``BadArchive`` that names lines and fields.
    """
    said = opening or Opening()
    found = [_read(path, said) for path in paths]
    experiments = [each.experiment for each in found if each.experiment is not None]
    if len(experiments) > 1:
        raise CliError("Two of the files have an experiment of their own: give them one by one.", MISUSED)
    return Archive(
        tuple(node for each in found for node in each.nodes),
        tuple(evaluation for each in found for evaluation in each.evaluations),
        experiments[0] if experiments else None,
        tuple(note for each in found for note in each.notes),
    )


def _read(path: Path, said: Opening) -> Archive:
    try:
        kind = said.kind or kind_of(path)
        match kind:
            case Kind.OPENEVOLVE:
                reading = openevolve.Reading(
                    said.score_metric, said.cost_metric, said.seconds_metric, said.scale
                )
                return openevolve.read_openevolve(_programs(path), reading)
            case Kind.SHINKA:
                with _rows(path) as rows:
                    return shinka.read_shinka(rows, said.scale)
            case Kind.MAST:
                with _lines(path) as lines:
                    return mast.read_mast(
                        lines, said.rates, role=said.rates_as, scale=said.scale, name=f"{path.name}, line"
                    )
            case Kind.RUN:
                with _lines(path) as lines:
                    return read_run(lines, f"{path.name}, line")
            case Kind.CSV:
                with _lines(path) as lines:
                    return read_csv(lines, f"{path.name}, line")
            case Kind.JSONL:
                with _lines(path) as lines:
                    return read_jsonl(lines, f"{path.name}, line")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise CliError(f"{path}: {reason}") from None


def kind_of(path: Path) -> Kind:
    """By what lies there: a folder is openevolve's, a database ShinkaEvolve's, a table by its header."""
    if str(path) == "-":
        return Kind.JSONL
    if path.is_dir():
        return Kind.OPENEVOLVE
    with path.open("rb") as file:
        begin = file.read(4096)
    if begin.startswith(SQLITE_MAGIC):
        return Kind.SHINKA
    text = begin.decode("utf-8", errors="replace").lstrip("\ufeff \r\n\t")
    if text.startswith("{"):
        return Kind.RUN if text.startswith(RUN_BEGINS) else Kind.JSONL
    header = {cell.strip().strip('"') for cell in text.split("\n", 1)[0].split(",")}
    if header >= mast.COLUMNS:
        return Kind.MAST
    if "agent_id" in header:
        return Kind.CSV
    known = ", ".join(Kind)
    raise CliError(f"{path}: cannot tell what this is. Say --format, one of {known}.", MISUSED)


@contextlib.contextmanager
def _lines(path: Path) -> Generator[TextIO]:
    if str(path) == "-":
        yield io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", newline="")
        return
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield file


def _programs(path: Path) -> Generator[tuple[str, Mapping[str, Any]]]:
    """The programs of a database or checkpoint; of a run's folder those of its last checkpoint."""
    folder = programs_folder(path)
    files = sorted(folder.glob("*.json"))
    if not files:
        raise CliError(f"{folder}: no program (*.json) lies there.")
    for file in files:
        try:
            value = json.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
        except json.JSONDecodeError as error:
            raise BadArchive([Problem(file.name, None, f"not JSON: {error}")], 1) from None
        if not isinstance(value, dict):
            raise BadArchive([Problem(file.name, None, "not a JSON object")], 1)
        yield file.name, cast("Mapping[str, Any]", value)


def programs_folder(path: Path) -> Path:
    """Where an openevolve folder keeps its programs: ``programs``, or that of the last checkpoint."""
    if path.name == "programs":
        return path
    if (path / "programs").is_dir():
        return path / "programs"
    above = path / "checkpoints" if (path / "checkpoints").is_dir() else path
    numbered = [
        (int(number), each)
        for each in above.glob("checkpoint_*")
        if (number := each.name.removeprefix("checkpoint_")).isdecimal() and (each / "programs").is_dir()
    ]
    if not numbered:
        raise CliError(f"{path}: neither programs/ nor checkpoint_N/programs/ lies there.")
    return max(numbered)[1] / "programs"


@contextlib.contextmanager
def _rows(path: Path) -> Generator[Iterable[Mapping[str, Any]]]:
    """The table ``programs``, read-only: a run may be writing to it."""
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        with contextlib.closing(connection):
            connection.row_factory = sqlite3.Row
            columns = {str(row["name"]) for row in connection.execute("PRAGMA table_info(programs)")}
            if missing := [name for name in shinka.COLUMNS if name not in columns]:
                raise InvalidInput(
                    f"{path.name}: its table programs has no column {missing[0]}", field=missing[0]
                )
            yield (dict(row) for row in connection.execute("SELECT * FROM programs ORDER BY id"))
    except sqlite3.Error as error:
        raise CliError(f"{path}: {error}") from None


def read_run(lines: Iterable[str], name: str) -> Archive:
    """What a run paid for: each evaluation once. One that was not paid yet is left out, and counted."""
    from evolution.codec import from_json

    bad = Collector()
    experiments: list[Experiment] = []
    entries: dict[str, LogEntry] = {}

    def take(text: str) -> None:
        value = json.loads(text)
        if not experiments:
            experiments.append(from_json(Experiment, value["experiment"]))
        else:
            entry = from_json(LogEntry, value)
            entries[entry.operation_id] = entry

    for number, line in enumerate(lines, 1):
        try:
            bad.read(f"{name} {number}", line, take)
        except (ValueError, KeyError, TypeError) as error:
            bad.refuse(f"{name} {number}", f"not a line of a run: {error}")
    bad.end()
    paid = [entry.evaluation for entry in entries.values() if entry.receipt is not None]
    open_ones = len(entries) - len(paid)
    notes = (f"{open_ones:,} evaluations are not paid yet: run it again",) if open_ones else ()
    agents = sorted({each.agent_id for each in paid})
    nodes = tuple(AgentNode(name) for name in agents)
    return Archive(nodes, tuple(paid), experiments[0] if experiments else None, notes)


def with_id(experiment: Experiment | None, experiment_id: str) -> Experiment:
    """The archive's experiment under another id, or a new one."""
    return (
        Experiment(experiment_id) if experiment is None else replace(experiment, experiment_id=experiment_id)
    )
