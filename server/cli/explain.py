"""``costgraph quote`` and ``costgraph explain``: what something would cost, and why something did."""

from typing import Annotated, Any

import typer

from server.cli.errors import CliError
from server.cli.options import DataDir, Json, Key, Url, Where

QUOTE = """
query Quote($input: QuoteInput!) {
  quote(input: $input) {
    pricing reason currency totalCost promptCost completionCost otherCost listCost mode priceSource priceCard
    priceDate catalogueVersion catalogueHash fxFrom fxRate fxDate fxSource
    explanation { lines exact }
  }
}
"""
EXPLAIN = """
query Explain($operationId: ID!) {
  operation(operationId: $operationId) {
    operationId agentId budgetId provider modelId timestamp pricing unpricedReason
    costEntries { kind totalCost currency priceSource explanation { lines exact } }
  }
}
"""


def quote(
    model: Annotated[str, typer.Argument(help="The model, such as gpt-4o or anthropic/claude-sonnet-4-5.")],
    *,
    prompt_tokens: Annotated[int, typer.Option("--in", help="Prompt tokens, cached ones included.")] = 0,
    completion_tokens: Annotated[int, typer.Option("--out", help="Completion tokens.")] = 0,
    cached: Annotated[int, typer.Option(help="Prompt tokens that are read from the cache.")] = 0,
    cache_write: Annotated[int, typer.Option(help="Prompt tokens that are written to the cache.")] = 0,
    reasoning: Annotated[int, typer.Option(help="Completion tokens that are reasoning.")] = 0,
    provider: Annotated[str | None, typer.Option(help="Its provider, such as openai.")] = None,
    mode: Annotated[str | None, typer.Option(help="standard, batch, flex, priority or fast.")] = None,
    budget: Annotated[str | None, typer.Option(help="Who would pay: its contracts and currency.")] = None,
    at: Annotated[str | None, typer.Option(help="When: 2026-11-22T09:00Z. Default: now.")] = None,
    currency: Annotated[str | None, typer.Option(help="Show it in this currency.")] = None,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Say what a call would cost, and why. Nothing is recorded or held.

    costgraph quote gpt-4o --provider openai --in 1200 --out 300 --budget acme
    """
    from server.cli.api import connected

    said = {
        "provider": provider,
        "modelId": model,
        "promptTokens": prompt_tokens,
        "completionTokens": completion_tokens,
        "cacheReadTokens": cached,
        "cacheWriteTokens": cache_write,
        "reasoningTokens": reasoning,
        "mode": mode,
        "budgetId": budget,
        "at": at,
        "currency": currency,
    }
    with connected(Where(url, key, data_dir)) as api:
        found = api.graphql(QUOTE, {"input": said})["quote"]
    _print(found, found["explanation"]["lines"], as_json=as_json)
    if found["pricing"] == "UNPRICED":
        raise CliError(f"No price is known: {found['reason']}.")


def explain(
    operation: Annotated[str, typer.Argument(help="The operation's id.", metavar="OPERATION")],
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Say why an operation costs what it does: units times rates, which card of which date, who changed what.

    costgraph explain call-1
    """
    from server.cli.api import connected

    with connected(Where(url, key, data_dir)) as api:
        found = api.graphql(EXPLAIN, {"operationId": operation})["operation"]
    if found is None:
        raise CliError(f"There is no operation {operation}.")
    model = f"{found['provider'] or '?'}/{found['modelId'] or '?'}"
    lines = [f"{found['operationId']}: {model}, {found['timestamp']}, paid by {found['budgetId']}"]
    if found["pricing"] == "UNPRICED":
        lines.append(f"unpriced: {found['unpricedReason']}")
    for number, entry in enumerate(found["costEntries"], 1):
        lines.append(f"{number}. {entry['kind'].lower()}: {entry['totalCost']} {entry['currency']}")
        lines += [f"   {line}" for line in entry["explanation"]["lines"]]
    _print(found, lines, as_json=as_json)


def _print(found: dict[str, Any], lines: list[str], *, as_json: bool) -> None:
    from server.cli.show import console

    out = console()
    if as_json:
        out.print_json(data=found)
        return
    for line in lines:
        out.print(line, markup=False, soft_wrap=True)
