"""``costgraph prices sources | source | forget | refresh | held | approve | reject``."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from server.cli.errors import MISUSED, CliError
from server.cli.options import DataDir, Json, Key, Url, Where
from server.cli.prices import PAGE, Reason, app

SOURCE = """
fragment Source on PriceSource {
  sourceId kind location provider region modelIds { name model } everySeconds timeoutSeconds jumpFactor author
  changedAt failures lastGoodAt dueAt waiting
  refreshes { at outcome code message accepted held kept leftOut version contentHash etag tookMs }
}
"""
HELD = """
fragment Held on HeldPrice {
  heldId sourceId model state foundAt version decidedBy decidedAt reason
  jumps { unit beforePerMillion afterPerMillion verdict }
}
"""
LIST = "{ priceSources { ...Source } }" + SOURCE
PUT = "mutation Put($input: PriceSourceInput!) { put: putPriceSource(input: $input) { ...Source } }" + SOURCE
FORGET = "mutation Forget($sourceId: ID!) { removePriceSource(sourceId: $sourceId) { sourceId } }"
REFRESH = (
    "mutation Refresh($sourceId: ID!) { refreshed: refreshPriceSource(sourceId: $sourceId) { ...Source } }"
    + SOURCE
)
WAITING = (
    """
query Held($sourceId: ID, $state: HeldPriceState!, $first: Int!, $after: String) {
  heldPrices(sourceId: $sourceId, state: $state, first: $first, after: $after) {
    nodes { ...Held } pageInfo { hasNextPage endCursor }
  }
}
"""
    + HELD
)
APPROVE = (
    """
mutation Approve($heldIds: [ID!]!, $reason: String) {
  decided: approveHeldPrices(heldIds: $heldIds, reason: $reason) { ...Held }
}
"""
    + HELD
)
REJECT = (
    """
mutation Reject($heldIds: [ID!]!, $reason: String) {
  decided: rejectHeldPrices(heldIds: $heldIds, reason: $reason) { ...Held }
}
"""
    + HELD
)

SourceId = Annotated[str, typer.Argument(help="The source's id.", metavar="SOURCE_ID")]
HeldIds = Annotated[
    list[str] | None, typer.Argument(help="Ids that `prices held` shows.", metavar="[HELD_ID]...")
]
AllOf = Annotated[str | None, typer.Option("--all-of", help="All that wait of this source.")]


@app.command("sources")
def sources(as_json: Json = False, url: Url = None, key: Key = None, data_dir: DataDir = None) -> None:
    """List where prices come from by themselves, and how the last refresh of each went.

    costgraph prices sources
    """
    from server.cli.api import connected

    with connected(Where(url, key, data_dir)) as api:
        found = api.graphql(LIST)["priceSources"]
    _show_sources(found, as_json=as_json)


@app.command("source")
def source(
    source_id: SourceId,
    *,
    kind: Annotated[
        str, typer.Option(help="litellm, aws_bedrock, price_list, catalogue or ecb (exchange rates).")
    ],
    location: Annotated[
        str, typer.Option(help="A URL, or file:NAME in the server's folder of price files.")
    ] = "catalogue:",
    provider: Annotated[str | None, typer.Option(help="Whose prices: needed of the catalogue.")] = None,
    region: Annotated[str | None, typer.Option(help="AWS's region.")] = None,
    model: Annotated[
        list[str] | None, typer.Option(help='What AWS\'s name stands for: "Nova Pro=amazon.nova-pro-*".')
    ] = None,
    every: Annotated[int, typer.Option(help="Seconds between refreshes; 0: on demand only.")] = 86_400,
    timeout: Annotated[int, typer.Option(help="Seconds that a refresh may take to read it.")] = 20,
    factor: Annotated[str, typer.Option(help="A change by more than this waits for approval.")] = "3",
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    r"""Set up a source of prices, or anew.

    costgraph prices source litellm --kind litellm --location https://prices.example/model_prices.json
    costgraph prices source openai --kind price_list --location file:openai.json --every 3600
    costgraph prices source bedrock --kind aws_bedrock --region us-east-1 \
          --location https://prices.example/aws.json --model "Nova Pro=amazon.nova-pro-v1:0"
    costgraph prices source anthropic --kind catalogue --provider anthropic
    costgraph prices source ecb --kind ecb --location https://rates.example/eurofxref.zip
    """
    from server.cli.api import connected

    said = {
        "sourceId": source_id,
        "kind": kind.upper(),
        "location": location,
        "provider": provider,
        "region": region,
        "modelIds": [_model(each) for each in model or ()],
        "everySeconds": every or None,
        "timeoutSeconds": timeout,
        "jumpFactor": factor,
    }
    with connected(Where(url, key, data_dir)) as api:
        put = api.graphql(PUT, {"input": said})["put"]
    _show_sources([put], as_json=False)


@app.command("forget")
def forget(source_id: SourceId, url: Url = None, key: Key = None, data_dir: DataDir = None) -> None:
    """Forget a source. Its prices hold on: end them with `prices withdraw`.

    costgraph prices forget openai
    """
    from server.cli.api import connected
    from server.cli.show import console

    with connected(Where(url, key, data_dir)) as api:
        api.graphql(FORGET, {"sourceId": source_id})
    console().print(f"Forgot {source_id}; its prices hold on.", markup=False)


@app.command("refresh")
def refresh(
    source_id: SourceId,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Read a source now; exit code 1 where that fails.

    costgraph prices refresh openai
    """
    from server.cli.api import connected

    with connected(Where(url, key, data_dir)) as api:
        refreshed = api.graphql(REFRESH, {"sourceId": source_id})["refreshed"]
    _show_sources([refreshed], as_json=as_json)
    if refreshed["refreshes"][0]["outcome"] == "FAILED":
        raise typer.Exit(1)


@app.command("held")
def held(
    source_id: Annotated[str | None, typer.Option("--source", help="Of this source only.")] = None,
    state: Annotated[str, typer.Option(help="held, approved, rejected or superseded.")] = "held",
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """List prices that wait for approval because they jumped.

    costgraph prices held
    """
    from server.cli.api import connected

    with connected(Where(url, key, data_dir)) as api:
        found = list(_held(api, source_id, state.upper()))
    _show_held(found, as_json=as_json)


@app.command("approve")
def approve(
    held_ids: HeldIds = None,
    all_of: AllOf = None,
    reason: Reason = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Take prices that were held: they hold from now on.

    costgraph prices approve 1f0c9a2b7d3e4856 --reason "confirmed on their page"
    costgraph prices approve --all-of openai
    """
    _decide(APPROVE, held_ids, all_of, reason, Where(url, key, data_dir))


@app.command("reject")
def reject(
    held_ids: HeldIds = None,
    all_of: AllOf = None,
    reason: Reason = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Turn prices down that were held: the last good ones go on.

    costgraph prices reject 1f0c9a2b7d3e4856 --reason "a misplaced unit"
    """
    _decide(REJECT, held_ids, all_of, reason, Where(url, key, data_dir))


def _decide(
    mutation: str, held_ids: list[str] | None, all_of: str | None, reason: str | None, where: Where
) -> None:
    from server.cli.api import connected

    if bool(held_ids) == (all_of is not None):
        raise CliError("Name held prices, or a source with --all-of.", MISUSED)
    decided: list[dict[str, Any]] = []
    with connected(where) as api:
        ids = held_ids or [each["heldId"] for each in _held(api, all_of, "HELD")]
        for begin in range(0, len(ids), PAGE):
            said = {"heldIds": ids[begin : begin + PAGE], "reason": reason}
            decided += api.graphql(mutation, said)["decided"]
    _show_held(decided, as_json=False)


def _held(api: Any, source_id: str | None, state: str) -> Iterator[dict[str, Any]]:
    after = None
    while True:
        said = {"sourceId": source_id, "state": state, "first": PAGE, "after": after}
        page = api.graphql(WAITING, said)["heldPrices"]
        yield from page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


def _model(text: str) -> dict[str, str]:
    name, equals, model = text.partition("=")
    if not equals:
        raise CliError(f'--model is like "Nova Pro=amazon.nova-pro-v1:0", not {text!r}.', MISUSED)
    return {"name": name.strip(), "model": model.strip()}


def _show_sources(found: list[dict[str, Any]], *, as_json: bool) -> None:
    from server.cli.show import console

    out = console()
    if as_json:
        out.print_json(data=found)
        return
    for each in found:
        every = f"every {each['everySeconds']} s" if each["everySeconds"] else "on demand"
        heading = f"{each['sourceId']}: {each['kind'].lower()} from {each['location']}, {every}"
        out.print(heading, markup=False, soft_wrap=True)
        for last in each["refreshes"][:1]:
            style = "red" if last["outcome"] == "FAILED" else None
            out.print(f"  {_at(last['at'])} {_how(last)}", style=style, markup=False, soft_wrap=True)
        good, due = _at(each["lastGoodAt"]) or "never", _at(each["dueAt"]) or "when asked"
        waiting = f", {each['waiting']} prices wait for approval" if each["waiting"] else ""
        text = f"  last good {good}, next {due}, {each['failures']} failures in a row{waiting}"
        out.print(text, style="dim", markup=False, soft_wrap=True)


def _at(instant: str | None) -> str:
    return "" if instant is None else instant[:19].replace("T", " ")


def _how(refresh: dict[str, Any]) -> str:
    if refresh["outcome"] == "FAILED":
        return f"failed ({refresh['code']}): {refresh['message']}"
    if refresh["outcome"] == "UNCHANGED":
        return "unchanged"
    return (
        f"updated: {refresh['accepted']} accepted, {refresh['held']} held, {refresh['kept']} kept, "
        f"{refresh['leftOut']} left out"
    )


def _show_held(found: list[dict[str, Any]], *, as_json: bool) -> None:
    from server.cli.show import console

    out = console()
    if as_json:
        out.print_json(data=found)
        return
    for each in found:
        heading = f"{each['heldId']} {each['sourceId']} {each['model']}: {each['state'].lower()}"
        out.print(heading, markup=False, soft_wrap=True)
        for jump in each["jumps"]:
            change = f"{jump['beforePerMillion']} to {jump['afterPerMillion']} per 1M"
            verdict = jump["verdict"].lower().replace("_", " ")
            out.print(f"  {jump['unit']}: {change} ({verdict})", markup=False, soft_wrap=True)
