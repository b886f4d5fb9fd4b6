"""``costgraph estimate`` and ``costgraph anomalies``: what a call will cost, and where that was wrong."""

from pathlib import Path
from typing import Annotated, Any

import typer

from server.cli.errors import CliError
from server.cli.files import read_text
from server.cli.options import DataDir, Json, Key, Url, Where

ESTIMATE = """
query Estimate($input: EstimateInput!) {
  estimate(input: $input) {
    inputTokens { ...Tokens } outputTokens { ...Tokens }
    baseCost platformFeePercent platformFee totalCost low high currency pricing reason
  }
}
fragment Tokens on TokenEstimate { tokenCount confidence method low high }
"""
ANOMALIES = """
query Anomalies($filter: CostAnomalyFilter!, $first: Int!, $after: String) {
  costAnomalies(filter: $filter, first: $first, after: $after) {
    nodes {
      requestId provider model agentId budgetId estimatedCost actualCost currency differencePercent severity
      detectedAt
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""
PAGE = 200


def estimate(
    model: Annotated[str, typer.Argument(help="The model, such as gpt-4o or anthropic/claude-sonnet-4-5.")],
    *,
    text: Annotated[str | None, typer.Option(help="What is sent.")] = None,
    file: Annotated[Path | None, typer.Option(help="A file that holds what is sent.")] = None,
    prompt_tokens: Annotated[
        int | None, typer.Option("--in", help="Prompt tokens, if you know them.")
    ] = None,
    completion_tokens: Annotated[int | None, typer.Option("--out", help="Completion tokens.")] = None,
    agent: Annotated[
        str | None, typer.Option(help="Whose own answers tell how long the next one will be.")
    ] = None,
    provider: Annotated[str | None, typer.Option(help="Its provider, such as openai.")] = None,
    mode: Annotated[str | None, typer.Option(help="standard, batch, flex, priority or fast.")] = None,
    budget: Annotated[str | None, typer.Option(help="Who would pay: its contracts and currency.")] = None,
    currency: Annotated[str | None, typer.Option(help="Show it in this currency.")] = None,
    fee: Annotated[str | None, typer.Option(help="The platform's fee, in percent. Default: 5.")] = None,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Say what a call will cost, by its text or its tokens, with an interval. Nothing is held.

    costgraph estimate gpt-4o --provider openai --text "Summarise the attached report." --agent writer
    """
    from server.cli.api import connected
    from server.cli.show import console

    if text is not None and file is not None:
        raise CliError("Say --text or --file, one of the two.")
    said = {
        "provider": provider,
        "modelId": model,
        "inputText": text if file is None else read_text(file),
        "inputTokens": prompt_tokens,
        "expectedOutputTokens": completion_tokens,
        "agentId": agent,
        "budgetId": budget,
        "mode": mode,
        "currency": currency,
        "platformFeePercent": fee,
    }
    with connected(Where(url, key, data_dir)) as api:
        found = api.graphql(ESTIMATE, {"input": said})["estimate"]
    out = console()
    if as_json:
        out.print_json(data=found)
    else:
        for name in ("inputTokens", "outputTokens"):
            out.print(_tokens(name.removesuffix("Tokens"), found[name]), markup=False, soft_wrap=True)
        if found["pricing"] == "PRICED":
            out.print(
                f"cost: {found['totalCost']} {found['currency']} ({found['low']} to {found['high']}), "
                f"of which {found['platformFee']} is the platform's fee of {found['platformFeePercent']} %",
                markup=False,
                soft_wrap=True,
            )
    if found["pricing"] != "PRICED":
        raise CliError(f"No price is known: {found['reason']}.")


def anomalies(
    budget: Annotated[str | None, typer.Option(help="Charged to this budget or below it.")] = None,
    *,
    agent: Annotated[str | None, typer.Option(help="Of this agent.")] = None,
    severity: Annotated[
        list[str] | None, typer.Option(help="low, medium, high or critical; may be given more than once.")
    ] = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="Detected from then on: 2026-11-01T00:00Z.")
    ] = None,
    to: Annotated[str | None, typer.Option(help="Detected before.")] = None,
    first: Annotated[int, typer.Option(help="How many at most.", min=1, max=PAGE)] = 50,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """List the operations that cost something else than was estimated, the last detected first.

    costgraph anomalies --budget acme --severity high --severity critical
    """
    from server.cli.api import connected
    from server.cli.show import console

    wanted = {
        "budgetId": budget,
        "agentId": agent,
        "severities": [each.upper() for each in severity] if severity else None,
        "from": from_,
        "to": to,
    }
    with connected(Where(url, key, data_dir)) as api:
        found = api.graphql(ANOMALIES, {"filter": wanted, "first": first})["costAnomalies"]
    out = console()
    if as_json:
        out.print_json(data=found["nodes"])
        return
    for each in found["nodes"]:
        out.print(_line(each), markup=False, soft_wrap=True)
    if found["pageInfo"]["hasNextPage"]:
        out.print("There are more: narrow it down, or raise --first.", style="dim")


def _tokens(name: str, each: dict[str, Any]) -> str:
    interval = "" if each["low"] == each["high"] else f", {each['low']:,} to {each['high']:,}"
    return f"{name}: {each['tokenCount']:,} tokens ({each['method'].lower()}{interval})"


def _line(each: dict[str, Any]) -> str:
    off = "" if each["differencePercent"] is None else f" ({each['differencePercent']} % off)"
    return (
        f"{each['detectedAt'][:19].replace('T', ' ')} {each['severity'].lower():8} {each['requestId']}: "
        f"{each['actualCost']} instead of {each['estimatedCost']} {each['currency']}{off}, "
        f"{each['model'] or '?'}, {each['agentId'] or '?'}, paid by {each['budgetId']}"
    )
