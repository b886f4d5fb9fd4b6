"""``costgraph compare``: what recorded usage would have cost on other models."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import typer

from server.cli.errors import MISUSED, CliError
from server.cli.options import DataDir, Json, Key, Url, Where
from server.cli.reprice import instant, progress

PAGE = 500
COMPARE = """
query Compare($input: CompareModelsInput!) {
  compareModels(input: $input) {
    looked leftOut through archivedUntil
    models { provider modelId operations unpriced totalCost charged savings tokens }
    pageInfo { hasNextPage endCursor }
  }
}
"""


@dataclass(slots=True)
class Sums:
    """What one model came to."""

    operations: int = 0
    unpriced: int = 0
    tokens: int = 0
    total: Decimal = Decimal(0)
    charged: Decimal = Decimal(0)

    def take(self, page: dict[str, Any]) -> None:
        """Add a page."""
        self.operations += page["operations"]
        self.unpriced += page["unpriced"]
        self.tokens += page["tokens"]
        self.total += Decimal(page["totalCost"])
        self.charged += Decimal(page["charged"])

    @property
    def savings_percent(self) -> Decimal | None:
        """What is saved, of what was charged."""
        return (self.charged - self.total) * 100 / self.charged if self.charged else None


def compare(
    models: Annotated[
        list[str], typer.Argument(help="Models as provider/model: openai/gpt-4o-mini.", metavar="MODELS")
    ],
    from_: Annotated[str, typer.Option("--from", help="From this instant on: 2026-11-01T00:00Z.")],
    *,
    to: Annotated[str | None, typer.Option(help="Until this one, exclusive. Default: now.")] = None,
    budget: Annotated[str | None, typer.Option(help="What was charged to this budget or below it.")] = None,
    model: Annotated[str | None, typer.Option(help="What this model did.")] = None,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Say what recorded usage would have cost on other models, beside what it did cost.

    costgraph compare openai/gpt-4o-mini anthropic/claude-haiku-4-5 --from 2026-11-01T00:00Z --budget acme
    """
    from server.cli.api import connected
    from server.cli.show import note_archived

    begin, end = instant(from_, "--from"), datetime.now(UTC) if to is None else instant(to, "--to")
    said = {
        "models": [_model(each) for each in models],
        "from": begin.isoformat(),
        "to": end.isoformat(),
        "budgetId": budget,
        "modelId": model,
        "first": PAGE,
    }
    sums = {each: Sums() for each in models}
    looked = left_out = 0
    after = None
    with connected(Where(url, key, data_dir)) as api, progress("comparing", begin, end) as reached:
        while True:
            page = api.graphql(COMPARE, {"input": {**said, "after": after}})["compareModels"]
            looked, left_out = looked + page["looked"], left_out + page["leftOut"]
            for each in page["models"]:
                sums[f"{each['provider']}/{each['modelId']}"].take(each)
            if page["through"] is not None:
                reached(datetime.fromisoformat(page["through"]), looked)
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
    note_archived(page["archivedUntil"], "compared")
    _show(sums, looked, left_out, as_json=as_json)


def _model(text: str) -> dict[str, str]:
    provider, _, model = text.partition("/")
    if not model:
        raise CliError(f"{text!r} is not like openai/gpt-4o-mini.", MISUSED)
    return {"provider": provider, "modelId": model}


def _show(sums: dict[str, Sums], looked: int, left_out: int, *, as_json: bool) -> None:
    from server.cli.show import console, money, table

    out = console()
    if as_json:
        shown = {
            name: {
                "operations": each.operations,
                "unpriced": each.unpriced,
                "tokens": each.tokens,
                "totalCost": f"{each.total:f}",
                "charged": f"{each.charged:f}",
                "savings": f"{each.charged - each.total:f}",
            }
            for name, each in sums.items()
        }
        out.print_json(data={"looked": looked, "leftOut": left_out, "models": shown})
        return
    out.print(f"[bold]{looked:,} operations[/bold], {left_out:,} left out (without a cost in USD)")
    right = {"operations", "unpriced", "would cost", "did cost", "saves", ""}
    rows = table("model", "operations", "unpriced", "would cost", "did cost", "saves", "", right=right)
    for name, each in sorted(sums.items(), key=lambda item: item[1].charged - item[1].total, reverse=True):
        share = each.savings_percent
        rows.add_row(
            name,
            f"{each.operations:,}",
            f"{each.unpriced:,}",
            *(money(amount, "USD") for amount in (each.total, each.charged, each.charged - each.total)),
            "" if share is None else f"{share:.1f} %",
        )
    out.print(rows)
