"""``costgraph evolve run``: evaluate agents on tasks under a budget, with a function of the user's."""

import contextlib
import importlib
import json
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from server.cli.errors import MISUSED, CliError
from server.cli.evolve import options
from server.cli.evolve.options import ExperimentId, ReferencePrice
from server.cli.options import DataDir, Json, Key, Url, Where

if TYPE_CHECKING:
    from evolution.records import Experiment
    from evolution.runner import Limits, RunReport
    from evolution.runner import Progress as Told
    from evolution.strategies.base import Strategy

Things = Mapping[str, Any]
Parts = contextlib.AbstractAsyncContextManager[tuple[Any, Any]]
"""A ledger and a log, ``evolution.ports``, for as long as a run takes."""


Evaluate = Annotated[
    str,
    typer.Option(
        help="Your function evaluate(agent, task), plain or async, that returns an Outcome "
        "(evolution.outcome). The current folder is looked in first.",
        metavar="MODULE:FUNCTION",
    ),
]
Hold = Annotated[str, typer.Option(help="The most that one evaluation can cost: held before each starts.")]
LogFile = Annotated[
    Path | None,
    typer.Option("--file", "-f", help="Run without the service: this file is the log, and resumes it."),
]
Cap = Annotated[
    str | None,
    typer.Option(help="The cap (with --file); what the strategy plans with (with --experiment)."),
]
AgentsFile = Annotated[
    Path | None, typer.Option(help="JSON: an object by agent id. Default: AGENTS of the module.")
]
TasksFile = Annotated[
    Path | None, typer.Option(help="JSON: an object by task id. Default: TASKS of the module.")
]
StrategyName = Annotated[
    str, typer.Option(help="sweep, successive_halving, kube, ocba or thompson (docs/evolution.md).")
]
Parameters = Annotated[
    list[str] | None,
    typer.Option(help="The strategy's own, such as trials=3.", metavar="NAME=JSON"),
]
Workers = Annotated[int, typer.Option(help="So many evaluations at once.", min=1, max=1000)]
Seed = Annotated[int, typer.Option(help="Of the strategy's draws (with --file).", min=0)]
Currency = Annotated[str, typer.Option(help="Of all amounts (with --file).")]


def run(
    *,
    evaluate: Evaluate,
    hold: Hold,
    file: LogFile = None,
    experiment: ExperimentId = None,
    budget: Cap = None,
    agents: AgentsFile = None,
    tasks: TasksFile = None,
    strategy: StrategyName = "sweep",
    parameter: Parameters = None,
    workers: Workers = 8,
    seed: Seed = 0,
    currency: Currency = "USD",
    reference_price: ReferencePrice = None,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    r"""Evaluate agents on tasks under a hard budget, with your function.

    Money is held before an evaluation starts and charged when it ends, so the cap holds with any number of
    workers; an evaluation that tells no cost is charged what was held. Run the same command again after a
    crash: what is paid is kept, and nothing is paid twice.

      costgraph evolve run --evaluate study:evaluate --hold 0.05 --file run.jsonl --budget 10
      costgraph evolve run --evaluate study:evaluate --hold 0.05 --experiment search --workers 16 \
          --strategy successive_halving
      costgraph evolve score --file run.jsonl
    """
    from evolution.runner import Limits

    if (file is None) == (experiment is None):
        raise CliError("Say where: --file run.jsonl, or --experiment ID of the service.", MISUSED)
    module, function = function_of(evaluate)
    hold_nano = options.amount(hold, "--hold")
    budget_nano = None if budget is None else options.amount(budget, "--budget")
    given = things(agents, module, "AGENTS", "--agents"), things(tasks, module, "TASKS", "--tasks")
    with options.explained():
        if file is not None:
            if budget_nano is None:
                raise CliError("Say how much it may spend: --budget AMOUNT.", MISUSED)
            from evolution.records import Experiment

            c0_nano = (
                None if reference_price is None else options.amount(reference_price, "--reference-price")
            )
            wanted = Experiment(
                file.stem[:256] or "run",
                tasks=tuple(given[1]),
                c0_nano=c0_nano,
                currency=currency,
                seed=seed,
            )
            opened = offline(file, wanted, budget_nano)
        else:
            from server.cli.evolve.service import wired

            opened = wired(experiment or "", list(given[0]), Where(url, key, data_dir))
        with opened as (wanted, parts):
            plan = strategy_of(strategy, parameter, wanted)
            limits = Limits(hold_nano, workers)
            report = _carried_out(wanted, parts, plan, given, function, limits, budget_nano)
    show(report, wanted, as_json=as_json)


@contextlib.contextmanager
def offline(path: Path, experiment: "Experiment", cap_nano: int) -> "Generator[tuple[Experiment, Parts]]":
    """The parts of a run without the service."""
    from server.cli.evolve.offline import FileLedger, file_log

    with file_log(path, experiment) as log:
        yield (
            experiment,
            contextlib.nullcontext((FileLedger(cap_nano, log, experiment.currency), log)),
        )


def function_of(text: str) -> tuple[Any, Callable[..., Any]]:
    """The module and the function of ``MODULE:FUNCTION``. Raises ``CliError``."""
    name, colon, function = text.partition(":")
    if not colon or not name or not function:
        raise CliError(f"--evaluate: {text!r} is not MODULE:FUNCTION", MISUSED)
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise CliError(f"--evaluate: {error}", MISUSED) from None
    found = getattr(module, function, None)
    if not callable(found):
        raise CliError(f"--evaluate: {name} has no function {function}", MISUSED)
    return module, found


def things(path: Path | None, module: Any, name: str, option: str) -> Things:
    """What is evaluated, or on what: a JSON object, or a dict of the module."""
    if path is None:
        found = getattr(module, name, None)
        if not isinstance(found, Mapping) or not found:
            raise CliError(f"Give {option} FILE, or a dict {name} in the module of --evaluate.", MISUSED)
        return cast("Things", found)
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CliError(f"{path}: {error.strerror or error}") from None
    except ValueError as error:
        raise CliError(f"{path}: not JSON: {error}") from None
    if not isinstance(value, dict) or not value:
        raise CliError(f"{path}: not a JSON object of things by their ids")
    return cast("Things", value)


def strategy_of(name: str, pairs: Sequence[str] | None, experiment: "Experiment") -> "Strategy":
    """A strategy with its parameters. Raises ``CliError``, ``InvalidInput``."""
    from evolution.codec import from_json
    from evolution.strategies.halving import SuccessiveHalving
    from evolution.strategies.kube import Kube
    from evolution.strategies.ocba import Ocba
    from evolution.strategies.sweep import Sweep
    from evolution.strategies.thompson import Thompson
    from server.cli.evolve.select import parameters_in

    kinds: dict[str, type[Any]] = {
        kind.name: kind for kind in (Sweep, SuccessiveHalving, Kube, Ocba, Thompson)
    }
    if name not in kinds:
        raise CliError(f"--strategy: {name} is none of {', '.join(kinds)}", MISUSED)
    said = parameters_in(pairs)
    if name == Thompson.name and "c0_nano" not in said:
        if experiment.c0_nano is None:
            raise CliError("thompson needs --reference-price.", MISUSED)
        said["c0_nano"] = experiment.c0_nano
    if name == Ocba.name and "round_nano" not in said:
        raise CliError("ocba needs --parameter round_nano=…: about what a round may cost.", MISUSED)
    return cast("Strategy", from_json(kinds[name], said))


def _carried_out(
    experiment: "Experiment",
    parts: Parts,
    plan: "Strategy",
    given: tuple[Things, Things],
    function: Callable[..., Any],
    limits: "Limits",
    budget_nano: int | None,
) -> "RunReport":
    import asyncio

    from evolution.runner import Runner
    from server.cli.show import console

    async def carry(tell: "Callable[[Told], None]") -> "RunReport":
        async with parts as (ledger, log):
            runner: Runner[Any, Any] = Runner(experiment, ledger, log, limits, tell)
            return await runner.run(plan, *given, function, budget_nano)

    with _bar(console(stderr=True), experiment.currency, budget_nano) as tell:
        return asyncio.run(carry(tell))


@contextlib.contextmanager
def _bar(screen: Any, currency: str, budget_nano: int | None) -> "Generator[Callable[[Told], None]]":
    """What is spent of the budget, and how far the run is; nothing where nobody looks."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from pricing.money import from_nano
    from server.cli.show import money

    columns = [
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[far]}"),
        TimeElapsedColumn(),
    ]
    with Progress(*columns, console=screen, disable=not screen.is_terminal, transient=True) as shown:
        task = shown.add_task("spent", total=budget_nano, far="")

        def tell(progress: "Told") -> None:
            far = (
                f"{money(from_nano(progress.spent_nano), currency)} · {progress.done:,} done, "
                f"{progress.failed:,} failed, {progress.in_flight} in flight"
            )
            shown.update(task, completed=progress.spent_nano, far=far)

        yield tell


def show(report: "RunReport", experiment: "Experiment", *, as_json: bool) -> None:
    """What a run came to."""
    from evolution.codec import to_json
    from pricing.money import format_nano, from_nano
    from server.cli.show import console, money

    out = console()
    if as_json:
        out.print_json(
            data={
                "experiment": to_json(experiment),
                "spent": format_nano(report.spent_nano),
                "overrun": format_nano(report.overrun_nano),
                "run": to_json(report),
            }
        )
        return
    spent = money(from_nano(report.spent_nano), experiment.currency)
    out.print(
        f"[bold]{len(report.evaluations):,} evaluations[/bold] for {spent} in {report.rounds:,} rounds"
        f" ({report.resumed:,} paid before, {report.failed:,} failed)"
    )
    if report.overrun_nano:
        over = money(from_nano(report.overrun_nano), experiment.currency)
        out.print(f"[yellow]![/yellow] {over} beyond what was held: --hold is below what one can cost")
    if report.refused is not None:
        job = report.refused
        out.print(f"[yellow]stopped by the budget[/yellow] before {job.agent_id} on {job.task_id}:")
        out.print(report.message or "", style="dim", markup=False)
