"""``costgraph override``: let what is refused pass, in an emergency, exactly so far and so long."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from server.cli.options import DataDir, Json, Key, Url, Where

PAGE = 200
OVERRIDE = """
fragment Granted on Override {
  overrideId budgetId agentId userId amount used remaining reason author createdAt until state
}
"""
GRANT = (
    "mutation Grant($input: CreateOverrideInput!) { createOverride(input: $input) { ...Granted } }" + OVERRIDE
)
REVOKE = "mutation Revoke($id: ID!) { revokeOverride(overrideId: $id) { ...Granted } }" + OVERRIDE
LIST = (
    """
query Overrides($budgetId: ID, $state: OverrideState, $first: Int!, $after: String) {
  overrides(budgetId: $budgetId, state: $state, first: $first, after: $after) {
    nodes { ...Granted } pageInfo { hasNextPage endCursor }
  }
}
"""
    + OVERRIDE
)

app = typer.Typer(
    name="override",
    no_args_is_help=True,
    help="Emergency grants: let refused reservations pass, up to an amount, until an instant.",
)


@app.command()
def grant(
    budget: Annotated[str, typer.Argument(help="Reservations that charge it pass.", metavar="BUDGET")],
    *,
    amount: Annotated[str, typer.Option(help="How much in all, in the budget's currency.")],
    reason: Annotated[str, typer.Option(help="Why, for whoever asks later.")],
    until: Annotated[
        str | None, typer.Option(help="Until when: 2026-11-30T18:00:00Z. Default: in an hour.")
    ] = None,
    agent: Annotated[str | None, typer.Option(help="Reservations of this agent only.")] = None,
    user: Annotated[str | None, typer.Option(help="Reservations for this user only.")] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="A key of your choice that makes it safe to repeat.")
    ] = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Let reservations that charge a budget pass the limits that refuse them.

    What passes counts as forced there. To raise a limit itself for a while, see increaseLimit.

    costgraph override grant acme/search --amount 50 --reason "incident 4711" --until 2026-11-30T18:00:00Z
    """
    from secrets import token_hex

    from server.cli.api import connected

    in_an_hour = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    said = {
        "idempotencyKey": idempotency_key or token_hex(16),
        "budgetId": budget,
        "amount": amount,
        "reason": reason,
        "until": until or in_an_hour,
        "agentId": agent,
        "userId": user,
    }
    with connected(Where(url, key, data_dir)) as api:
        _show([api.graphql(GRANT, {"input": said})["createOverride"]])


@app.command("list")
def list_(
    budget: Annotated[str | None, typer.Argument(help="Of this budget and below.")] = None,
    state: Annotated[
        str | None, typer.Option(help="ACTIVE, USED, REVOKED or EXPIRED only.", case_sensitive=False)
    ] = None,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """List the overrides, the newest first.

    costgraph override list --state active
    """
    from server.cli.api import connected
    from server.cli.show import console

    found: list[dict[str, Any]] = []
    after, more = None, True
    with connected(Where(url, key, data_dir)) as api:
        while more:
            asked = {"budgetId": budget, "state": state and state.upper(), "first": PAGE, "after": after}
            page = api.graphql(LIST, asked)["overrides"]
            found += page["nodes"]
            more, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
    if as_json:
        console().print_json(data=found)
        return
    _show(found)


@app.command()
def revoke(
    override_id: Annotated[str, typer.Argument(help="As `override list` shows it.", metavar="OVERRIDE_ID")],
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """End an override at once. What passed by it stays held until it is settled.

    costgraph override revoke 5b1f0c2a
    """
    from server.cli.api import connected

    with connected(Where(url, key, data_dir)) as api:
        _show([api.graphql(REVOKE, {"id": override_id})["revokeOverride"]])


def _show(overrides: list[dict[str, Any]]) -> None:
    from server.cli.show import console, table

    shown = table("override", "budget", "state", "used", "of", "until", "for", "reason", "by")
    for each in overrides:
        whose = " ".join(name for name in (each["agentId"], each["userId"]) if name)
        shown.add_row(
            each["overrideId"],
            each["budgetId"],
            each["state"].lower(),
            each["used"],
            each["amount"],
            each["until"][:16].replace("T", " "),
            whose or "all",
            each["reason"],
            each["author"] or "",
            style=None if each["state"] == "ACTIVE" else "dim",
        )
    console().print(shown)
