"""``costgraph reprice``: recorded operations at the prices that are known by now."""

import contextlib
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import typer

from server.cli.errors import MISUSED, CliError
from server.cli.options import DataDir, Json, Key, Url, Where

PAGE = 500
REPRICE = """
mutation Reprice($input: RepriceInput!) {
  reprice(input: $input) {
    looked through archivedUntil counts { outcome operations }
    differences { budgetId currency operations before after change }
    pageInfo { hasNextPage endCursor }
  }
}
"""


@dataclass(slots=True)
class Totals:
    """What repricing came to."""

    looked: int = 0
    counts: Counter[str] = field(default_factory=Counter[str])
    budgets: dict[tuple[str, str], list[Decimal]] = field(
        default_factory=dict[tuple[str, str], list[Decimal]]
    )
    """By budget and currency: operations, before, after."""

    def take(self, page: dict[str, Any]) -> None:
        """What became of a page."""
        self.looked += page["looked"]
        for each in page["counts"]:
            self.counts[each["outcome"]] += each["operations"]
        for each in page["differences"]:
            sums = self.budgets.setdefault((each["budgetId"], each["currency"]), [Decimal(0)] * 3)
            for index, name in enumerate(("operations", "before", "after")):
                sums[index] += Decimal(each[name])

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "looked": self.looked,
            "counts": dict(self.counts),
            "differences": [
                {
                    "budgetId": budget,
                    "currency": currency,
                    "operations": int(operations),
                    "before": f"{before:f}",
                    "after": f"{after:f}",
                    "change": f"{after - before:f}",
                }
                for (budget, currency), (operations, before, after) in sorted(self.budgets.items())
            ],
        }


def reprice(
    from_: Annotated[str, typer.Option("--from", help="From this instant on: 2026-11-01T00:00Z.")],
    to: Annotated[str | None, typer.Option(help="Until this one, exclusive. Default: now.")] = None,
    *,
    budget: Annotated[str | None, typer.Option(help="What was charged to this budget or below it.")] = None,
    model: Annotated[str | None, typer.Option(help="What this model did.")] = None,
    provider: Annotated[str | None, typer.Option(help="What was recorded of this provider.")] = None,
    suppose: Annotated[
        list[str] | None,
        typer.Option(help='What if a model cost this: "gpt-4o: completion 8 per 1M". Changes nothing.'),
    ] = None,
    unpriced: Annotated[bool, typer.Option("--unpriced", help="Only what has no price yet.")] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help="Book it. Without: only say what it would be.")
    ] = False,
    reason: Annotated[str | None, typer.Option(help="Why, for whoever asks later.")] = None,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Reprice recorded operations at the prices that are known by now, or say what that would change.

    What was charged stays: differences are booked as adjustments, in the windows of the operations. What had
    no price gets its entry. Stopped half-way, it is simply run again: nothing is booked twice.

      costgraph reprice --from 2026-11-01T00:00Z
      costgraph reprice --from 2026-11-01T00:00Z --budget acme --apply --reason "contract of 1 November"
      costgraph reprice --from 2026-11-01T00:00Z --suppose "gpt-4o: uncached 2 per 1M" --suppose "o3: * -10%"
    """
    from server.cli.api import connected
    from server.cli.show import note_archived

    if suppose and apply:
        raise CliError("--suppose only says what would be: set the price first, then --apply.", MISUSED)
    begin, end = instant(from_, "--from"), datetime.now(UTC) if to is None else instant(to, "--to")
    said = {
        "from": begin.isoformat(),
        "to": end.isoformat(),
        "budgetId": budget,
        "modelId": model,
        "provider": provider,
        "cards": supposed(suppose or [], budget),
        "unpriced": unpriced,
        "dryRun": not apply,
        "reason": reason,
        "first": PAGE,
    }
    totals, after = Totals(), None
    with connected(Where(url, key, data_dir)) as api, progress("repricing", begin, end) as reached:
        while True:
            page = api.graphql(REPRICE, {"input": {**said, "after": after}})["reprice"]
            totals.take(page)
            if page["through"] is not None:
                reached(datetime.fromisoformat(page["through"]), totals.looked)
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
    note_archived(page["archivedUntil"], "repriced")
    _show(totals, apply=apply, as_json=as_json)


def supposed(texts: list[str], budget: str | None) -> list[dict[str, Any]]:
    """The API's words for what is supposed, a card for each model. Raises ``CliError``."""
    from server.cli.rate_lines import line_of

    lines: dict[str, list[dict[str, Any]]] = {}
    for text in texts:
        model, colon, line = text.rpartition(":")
        if not colon or not model.strip():
            raise CliError(f'--suppose is like "gpt-4o: completion 8 per 1M", not {text!r}.', MISUSED)
        lines.setdefault(model.strip(), []).append(line_of(line))
    return [
        {
            "cardId": f"supposed {model}",
            "model": model,
            "lines": each,
            "budgetId": budget,
            "mode": "any",
            "mayRaise": True,
        }
        for model, each in lines.items()
    ]


def instant(text: str, option: str) -> datetime:
    """The instant of an option; without an offset it is UTC. Raises ``CliError``."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CliError(f"{option} {text!r} is not an instant like 2026-11-01T00:00Z.", MISUSED) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _show(totals: Totals, *, apply: bool, as_json: bool) -> None:
    from server.cli.show import console, money, table

    out = console()
    if as_json:
        out.print_json(data=totals.as_json())
        return
    counts = ", ".join(f"{count:,} {outcome.lower()}" for outcome, count in sorted(totals.counts.items()))
    out.print(f"[bold]{totals.looked:,} operations[/bold]: {counts or 'none'}")
    if totals.budgets:
        right = {"operations", "before", "after", "change"}
        shown = table("budget", "operations", "before", "after", "change", right=right)
        for (budget, currency), (operations, before, after) in sorted(totals.budgets.items()):
            figures = (money(each, currency) for each in (before, after, after - before))
            shown.add_row(budget, f"{int(operations):,}", *figures)
        out.print(shown)
    if not apply and totals.budgets:
        out.print("Nothing was changed: run it again with --apply.", style="yellow")


@contextlib.contextmanager
def progress(what: str, begin: datetime, end: datetime) -> Generator[Callable[[datetime, int], None]]:
    """A bar over the time that is left to look through, newest first."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from server.cli.show import console

    columns = [
        TextColumn(what),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]}"),
        TimeRemainingColumn(),
    ]
    screen = console(stderr=True)
    whole = max(1.0, (end - begin).total_seconds())
    with Progress(*columns, console=screen, disable=not screen.is_terminal, transient=True) as shown:
        task = shown.add_task(what, total=whole, rows="")

        def reached(through: datetime, looked: int) -> None:
            done = min(whole, max(0.0, (end - through).total_seconds()))
            shown.update(task, completed=done, rows=f"{looked:,} operations")

        yield reached
