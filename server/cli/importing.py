"""``costgraph import``: files of any size, streamed in batches through the public API."""

import contextlib
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from server.cli.errors import REFUSED, CliError
from server.cli.options import DataDir, Key, Url, Where

BATCH = 1_000
SHOWN_REFUSALS = 10

app = typer.Typer(
    name="import",
    no_args_is_help=True,
    help="Record usage from files. Running the same import again charges nothing twice.",
)

File = Annotated[Path, typer.Argument(help="The file; - reads standard input.", allow_dash=True)]
IdPrefix = Annotated[
    str, typer.Option(help="Begins the operation ids: another one makes the same rows other operations.")
]


@app.command("azure-llm-trace")
def azure_llm_trace(
    file: File,
    agent: Annotated[str, typer.Option(help="The agent that made the calls.")],
    model: Annotated[str, typer.Option(help="The model to price them with, such as gpt-4o.")],
    provider: Annotated[str | None, typer.Option(help="Its provider, such as openai.")] = None,
    budget: Annotated[str | None, typer.Option(help="The budget that pays.")] = None,
    capability: Annotated[str, typer.Option(help="What the calls were for.")] = "inference",
    id_prefix: IdPrefix = "azure-llm-trace",
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    r"""Record an Azure LLM inference trace (columns TIMESTAMP, ContextTokens, GeneratedTokens).

    The public traces name neither agent nor model: say which. Timestamps without an offset are UTC.
    Operation ids come from each row's number and text, so an interrupted import is simply run again.

      costgraph import azure-llm-trace AzureLLMInferenceTrace_code.csv \
          --agent coder --provider openai --model gpt-4o --budget research/coding
    """
    from server.cli.sources import AzureTrace, azure_rows

    trace = AzureTrace(agent, model, provider, budget, capability, id_prefix)
    _run(file, Where(url, key, data_dir), lambda lines: azure_rows(lines, trace))


@app.command("jsonl")
def jsonl(
    file: File,
    id_prefix: IdPrefix = "jsonl",
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Record one JSON object per line, in the words of POST /v1/usage.

    Without an operation_id a row gets one from its line number and text.

      {"agent_id": "coder", "capability_type": "chat", "provider": "openai", "model_id": "gpt-4o",
       "prompt_tokens": 1200, "completion_tokens": 300, "timestamp": "2026-11-22T09:00:00Z"}

      costgraph import jsonl usage.jsonl
      zcat usage.jsonl.gz | costgraph import jsonl -
    """
    from server.cli.sources import json_rows

    _run(file, Where(url, key, data_dir), lambda lines: json_rows(lines, id_prefix))


@dataclass(slots=True)
class Totals:
    """What an import came to."""

    outcomes: Counter[str] = field(default_factory=Counter[str])
    tokens: Counter[str] = field(default_factory=Counter[str])
    costs: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    unpriced: int = 0
    warnings: Counter[str] = field(default_factory=Counter[str])
    refusals: list[str] = field(default_factory=list[str])

    @property
    def rows(self) -> int:
        """How many rows were read."""
        return self.outcomes.total()

    def refuse(self, line: int, reason: str) -> None:
        """A row that was not recorded."""
        self.outcomes["refused"] += 1
        if len(self.refusals) < SHOWN_REFUSALS:
            self.refusals.append(f"line {line}: {reason}")

    def take(self, line: int, fields: dict[str, Any], result: dict[str, Any]) -> None:
        """What the server said to a row."""
        if "code" in result:
            self.refuse(line, str(result["detail"]))
            return
        self.outcomes["already there" if result["duplicate"] else "recorded"] += 1
        for name in ("prompt_tokens", "completion_tokens"):
            self.tokens[name] += fields.get(name, 0)
        if (entry := result["cost_entry"]) is not None:
            currency = entry["currency"]
            self.costs[currency] = self.costs.get(currency, Decimal(0)) + Decimal(entry["total_cost"])
        self.unpriced += result["pricing"] == "UNPRICED"
        self.warnings.update(each["code"] for each in result["warnings"])


def _run(file: Path, where: Where, rows_of: Callable[[Iterable[bytes]], Generator[Any]]) -> None:
    from server.cli.api import connected
    from server.cli.show import console

    totals = Totals()
    with _opened(file) as (stream, size), connected(where) as api, _progress(file.name, size) as progress:
        from server.cli.sources import BadRow, lines_of

        rows = rows_of(lines_of(stream, progress.read))
        while batch := list(islice(rows, BATCH)):
            good = [row for row in batch if not isinstance(row, BadRow)]
            for row in batch:
                if isinstance(row, BadRow):
                    totals.refuse(row.line, row.reason)
            if good:
                results = api.record_patiently([row.fields for row in good], progress.waiting)
                for row, result in zip(good, results, strict=True):
                    totals.take(row.line, row.fields, result)
            progress.recorded(len(batch))
    report(totals, console())
    if totals.outcomes["refused"]:
        raise CliError(f"{totals.outcomes['refused']:,} rows were refused; the others are recorded.", REFUSED)


def report(totals: Totals, out: Any) -> None:
    """Print what an import came to."""
    outcome = ", ".join(
        f"{totals.outcomes[name]:,} {name}" for name in ("recorded", "already there", "refused")
    )
    out.print(f"[bold]{totals.rows:,} rows[/bold]: {outcome}")
    costs = (
        ", ".join(f"{cost.normalize():f} {currency}" for currency, cost in sorted(totals.costs.items()))
        or "no cost"
    )
    prompt, completion = totals.tokens["prompt_tokens"], totals.tokens["completion_tokens"]
    out.print(f"{prompt:,} prompt and {completion:,} completion tokens, [bold]{costs}[/bold]")
    if totals.unpriced:
        out.print(f"[yellow]{totals.unpriced:,} rows wait for a price[/yellow] (recorded as UNPRICED)")
    for code, count in totals.warnings.most_common():
        out.print(f"[yellow]{count:,} warnings[/yellow] {code}")
    for refusal in totals.refusals:
        out.print(refusal, style="red", markup=False)
    if (more := totals.outcomes["refused"] - len(totals.refusals)) > 0:
        out.print(f"… and {more:,} more", style="red")


@contextlib.contextmanager
def _opened(file: Path) -> Generator[tuple[BinaryIO, int | None]]:
    if str(file) == "-":
        yield typer.get_binary_stream("stdin"), None
        return
    try:
        with file.open("rb") as stream:
            yield stream, file.stat().st_size or None
    except OSError as error:
        raise CliError(f"{file}: {error.strerror or error}") from None


class _Progress:
    """A bar over the file's bytes, with rows per second."""

    def __init__(self, shown: Any, task: Any) -> None:
        self._shown = shown
        self._task = task
        self._bytes = 0
        self._rows = 0

    def read(self, count: int) -> None:
        self._bytes += count

    def recorded(self, rows: int) -> None:
        self._rows += rows
        elapsed = self._shown.tasks[0].elapsed or 0.0
        rate = f"{self._rows / elapsed:,.0f} rows/s" if elapsed else ""
        self._shown.update(self._task, completed=self._bytes, rows=f"{self._rows:,} rows", rate=rate)

    def waiting(self, why: str) -> None:
        self._shown.console.print(f"waiting: {why}", style="yellow", markup=False)


@contextlib.contextmanager
def _progress(name: str, size: int | None) -> Generator[_Progress]:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from server.cli.show import console

    columns = [
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]}"),
        TextColumn("{task.fields[rate]}", style="dim"),
        TimeRemainingColumn(),
    ]
    screen = console(stderr=True)
    with Progress(*columns, console=screen, disable=not screen.is_terminal, transient=True) as shown:
        yield _Progress(shown, shown.add_task(name, total=size, rows="", rate=""))
