"""``costgraph webhooks``: where events are sent, and what was not taken."""

from typing import Annotated, Any

import typer

from server.cli.options import DataDir, Json, Key, Url, Where

PAGE = 200
ENDPOINT = "endpointId url types budgetId description enabled createdAt attempts nextAttemptAt lastError"
CREATE = f"""
mutation CreateWebhook($input: CreateWebhookEndpointInput!) {{
  createWebhookEndpoint(input: $input) {{ secret endpoint {{ {ENDPOINT} }} }}
}}
"""
LIST = f"query Webhooks($first: Int!) {{ webhookEndpoints(first: $first) {{ nodes {{ {ENDPOINT} }} }} }}"
UPDATE = f"""
mutation UpdateWebhook($input: UpdateWebhookEndpointInput!) {{
  updateWebhookEndpoint(input: $input) {{ {ENDPOINT} }}
}}
"""
ROTATE = """
mutation RotateWebhook($id: ID!) {
  rotateWebhookSecret(endpointId: $id) { secret endpoint { endpointId previousSecretUntil } }
}
"""
DELETE = "mutation DeleteWebhook($id: ID!) { deleteWebhookEndpoint(endpointId: $id) { endpointId url } }"
LETTERS = """
query DeadLetters($id: ID!, $first: Int!, $after: String) {
  webhookDeadLetters(endpointId: $id, first: $first, after: $after) {
    nodes { eventId type attempts error failedAt replaying }
    pageInfo { hasNextPage endCursor }
  }
}
"""
REPLAY = """
mutation Replay($id: ID!, $events: [ID!]) { replayDeadLetters(endpointId: $id, eventIds: $events) { count } }
"""

app = typer.Typer(
    name="webhooks", no_args_is_help=True, help="Webhooks: where events are sent, signed and in order."
)
Endpoint = Annotated[
    str, typer.Argument(help="The endpoint's id, as `webhooks list` shows it.", metavar="ENDPOINT_ID")
]
Types = Annotated[
    list[str] | None,
    typer.Option(
        "--type",
        help="budget.warning, budget.exceeded, budget.recovered, budget.overridden, budget.low_balance or "
        "cost.recorded; again for more.",
    ),
]


@app.command()
def create(
    address: Annotated[str, typer.Argument(help="The https address to send to.", metavar="ADDRESS")],
    types: Types = None,
    budget: Annotated[str | None, typer.Option(help="Only what is charged to this budget or below.")] = None,
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Send events to an address, and print the secret that signs them: this once.

    costgraph webhooks create https://example.com/hooks --type budget.exceeded --budget search
    """
    from server.cli.api import connected
    from server.cli.show import console

    wanted = {"url": address, "types": types, "budgetId": budget, "description": description}
    with connected(Where(url, key, data_dir)) as api:
        created = api.graphql(CREATE, {"input": wanted})["createWebhookEndpoint"]
    shown = created["endpoint"]
    console(stderr=True).print(
        f"Endpoint {shown['endpointId']} gets {', '.join(shown['types'])}. Keep its secret: it is shown once."
    )
    typer.echo(created["secret"])


@app.command("list")
def list_(as_json: Json = False, url: Url = None, key: Key = None, data_dir: DataDir = None) -> None:
    """List the endpoints, and how they are doing.

    costgraph webhooks list
    """
    from server.cli.api import connected
    from server.cli.show import console, table

    with connected(Where(url, key, data_dir)) as api:
        nodes = api.graphql(LIST, {"first": PAGE})["webhookEndpoints"]["nodes"]
    out = console()
    if as_json:
        out.print_json(data=nodes)
        return
    shown = table("endpoint", "address", "types", "budget", "state", "last error")
    for each in nodes:
        state = f"failed {each['attempts']} times" if each["attempts"] else "ok"
        shown.add_row(
            each["endpointId"],
            each["url"],
            " ".join(each["types"]),
            each["budgetId"] or "all",
            state if each["enabled"] else "disabled",
            each["lastError"] or "",
            style=None if each["enabled"] else "dim",
        )
    out.print(shown)


def _update(where: Where, changes: dict[str, Any]) -> None:
    from server.cli.api import connected
    from server.cli.show import console

    with connected(where) as api:
        shown = api.graphql(UPDATE, {"input": changes})["updateWebhookEndpoint"]
    state = "enabled" if shown["enabled"] else "disabled"
    console().print(
        f"Endpoint {shown['endpointId']} is {state}: {', '.join(shown['types'])} to {shown['url']}"
    )


@app.command("set")
def set_(
    endpoint: Endpoint,
    address: Annotated[str | None, typer.Option(help="Send to this address from now on.")] = None,
    types: Types = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Change an endpoint.

    costgraph webhooks set 1f0c… --type budget.warning --type budget.exceeded
    """
    _update(Where(url, key, data_dir), {"endpointId": endpoint, "url": address, "types": types or None})


@app.command()
def enable(endpoint: Endpoint, url: Url = None, key: Key = None, data_dir: DataDir = None) -> None:
    """Send to a disabled endpoint again, from where it was on.

    costgraph webhooks enable 1f0c…
    """
    _update(Where(url, key, data_dir), {"endpointId": endpoint, "enabled": True})


@app.command()
def disable(endpoint: Endpoint, url: Url = None, key: Key = None, data_dir: DataDir = None) -> None:
    """Send nothing to an endpoint until it is enabled; then it gets what it missed.

    costgraph webhooks disable 1f0c…
    """
    _update(Where(url, key, data_dir), {"endpointId": endpoint, "enabled": False})


@app.command()
def rotate(endpoint: Endpoint, url: Url = None, key: Key = None, data_dir: DataDir = None) -> None:
    """Print a new secret: this once. For 24 h messages are signed with the old one, too.

    costgraph webhooks rotate 1f0c…
    """
    from server.cli.api import connected
    from server.cli.show import console

    with connected(Where(url, key, data_dir)) as api:
        rotated = api.graphql(ROTATE, {"id": endpoint})["rotateWebhookSecret"]
    until = rotated["endpoint"]["previousSecretUntil"][:16].replace("T", " ")
    console(stderr=True).print(f"The secret before is valid until {until} UTC. Keep the new one.")
    typer.echo(rotated["secret"])


@app.command()
def delete(endpoint: Endpoint, url: Url = None, key: Key = None, data_dir: DataDir = None) -> None:
    """End an endpoint; its dead letters are forgotten.

    costgraph webhooks delete 1f0c…
    """
    from server.cli.api import connected
    from server.cli.show import console

    with connected(Where(url, key, data_dir)) as api:
        deleted = api.graphql(DELETE, {"id": endpoint})["deleteWebhookEndpoint"]
    console().print(f"Deleted {deleted['endpointId']} ({deleted['url']}).")


@app.command("dead-letters")
def dead_letters(
    endpoint: Endpoint,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """List what an endpoint did not take, the last ones first.

    costgraph webhooks dead-letters 1f0c…
    """
    from server.cli.api import connected
    from server.cli.show import console, table

    nodes: list[dict[str, Any]] = []
    after: str | None = None
    with connected(Where(url, key, data_dir)) as api:
        while True:
            page = api.graphql(LETTERS, {"id": endpoint, "first": PAGE, "after": after})["webhookDeadLetters"]
            nodes.extend(page["nodes"])
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
    out = console()
    if as_json:
        out.print_json(data=nodes)
        return
    shown = table("event", "type", "attempts", "failed", "error")
    for each in nodes:
        failed = each["failedAt"][:16].replace("T", " ")
        shown.add_row(each["eventId"], each["type"], str(each["attempts"]), failed, each["error"])
    out.print(shown)


@app.command()
def replay(
    endpoint: Endpoint,
    events: Annotated[
        list[str] | None, typer.Argument(help="Events, by id; all, where none are named.")
    ] = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Send dead letters again.

    costgraph webhooks replay 1f0c…
    """
    from server.cli.api import connected
    from server.cli.show import console

    with connected(Where(url, key, data_dir)) as api:
        count = api.graphql(REPLAY, {"id": endpoint, "events": events or None})["replayDeadLetters"]["count"]
    console().print(f"{count} dead letters are sent again.")
