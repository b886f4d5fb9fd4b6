"""``costgraph keys``: create, list, revoke."""

from typing import Annotated, Any

import typer

from server.cli.options import DataDir, Json, Key, Url, Where

PAGE = 200
CREATE = """
mutation CreateKey($input: CreateApiKeyInput!) {
  createApiKey(input: $input) { secret key { keyId role budgetId } }
}
"""
LIST = """
query Keys($first: Int!, $after: String) {
  apiKeys(first: $first, after: $after) {
    nodes { keyId name role budgetId createdAt revokedAt }
    pageInfo { hasNextPage endCursor }
  }
}
"""
REVOKE = "mutation RevokeKey($keyId: ID!) { revokeApiKey(keyId: $keyId) { keyId name revokedAt } }"

app = typer.Typer(name="keys", no_args_is_help=True, help="API keys: who may do what, and in which budgets.")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    role: Annotated[
        str, typer.Option(help="viewer, recorder, operator, researcher or admin.", case_sensitive=False)
    ] = "recorder",
    budget: Annotated[
        str | None, typer.Option(help="It sees and spends in this budget's subtree and nowhere else.")
    ] = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Create a key, and print it: this once, nobody can show it again.

    costgraph keys create "search agents" --role recorder --budget search
    """
    from server.cli.api import connected
    from server.cli.show import console

    wanted = {"name": name, "role": role.upper(), "budgetId": budget}
    with connected(Where(url, key, data_dir)) as api:
        created = api.graphql(CREATE, {"input": wanted})["createApiKey"]
    shown = created["key"]
    where = shown["budgetId"] or "every budget"
    console(stderr=True).print(
        f"Key {shown['keyId']}, {shown['role'].lower()} in {where}. Keep it: it is shown once."
    )
    typer.echo(created["secret"])


@app.command("list")
def list_(
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """List the keys, revoked ones included. The keys themselves are stored nowhere.

    costgraph keys list
    """
    from server.cli.api import connected
    from server.cli.show import console, table

    keys: list[dict[str, Any]] = []
    after = None
    with connected(Where(url, key, data_dir)) as api:
        while True:
            page = api.graphql(LIST, {"first": PAGE, "after": after})["apiKeys"]
            keys += page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
    out = console()
    if as_json:
        out.print_json(data=keys)
        return
    shown = table("key", "name", "role", "budget", "created", "revoked")
    for each in keys:
        shown.add_row(
            each["keyId"],
            each["name"] or "",
            each["role"].lower(),
            each["budgetId"] or "all",
            each["createdAt"][:16].replace("T", " "),
            (each["revokedAt"] or "")[:16].replace("T", " "),
            style="dim" if each["revokedAt"] else None,
        )
    out.print(shown)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id, as `keys list` shows it.", metavar="KEY_ID")],
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Revoke a key. It is refused everywhere within 5 seconds.

    costgraph keys revoke 7c1f…
    """
    from server.cli.api import connected
    from server.cli.show import console

    with connected(Where(url, key, data_dir)) as api:
        revoked = api.graphql(REVOKE, {"keyId": key_id})["revokeApiKey"]
    console().print(f"Revoked {revoked['keyId']} ({revoked['name'] or 'no name'}).")
