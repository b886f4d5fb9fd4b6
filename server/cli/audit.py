"""``costgraph audit``: who changed what."""

from typing import Annotated, Any

import typer

from server.cli.options import DataDir, Json, Key, Url, Where

PAGE = 500
AUDIT = """
query Audit($budgetId: ID, $first: Int!, $after: String) {
  auditLog(budgetId: $budgetId, first: $first, after: $after) {
    nodes { at author action subject budgetId before after }
    pageInfo { hasNextPage endCursor }
  }
}
"""
SHOWN_LENGTH = 80


def audit(
    budget: Annotated[str | None, typer.Argument(help="What concerns this budget or one below it.")] = None,
    last: Annotated[int, typer.Option(help="So many acts, the newest.", min=1)] = 50,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Show who changed what: budgets, limits, prices, adjustments, keys, experiments; the newest first.

    costgraph audit
    costgraph audit acme --last 1000 --json
    """
    from server.cli.api import connected
    from server.cli.show import console, table

    acts: list[dict[str, Any]] = []
    after, more = None, True
    with connected(Where(url, key, data_dir)) as api:
        while more and len(acts) < last:
            asked = {"budgetId": budget, "first": min(PAGE, last - len(acts)), "after": after}
            page = api.graphql(AUDIT, asked)["auditLog"]
            acts += page["nodes"]
            more, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
    out = console()
    if as_json:
        out.print_json(data=acts)
        return
    shown = table("when", "who", "what", "on", "changed")
    for each in acts:
        when = each["at"][:19].replace("T", " ")
        shown.add_row(when, each["author"] or "", each["action"], each["subject"], difference(each))
    out.print(shown)


def difference(act: dict[str, Any]) -> str:
    """What an act changed, in one line."""
    before: dict[str, Any] = act["before"] or {}
    after: dict[str, Any] = act["after"] or {}
    names = [name for name in (*before, *after) if before.get(name) != after.get(name)]
    parts = [
        f"{name} {before[name]} → {after.get(name, 'none')}" if name in before else f"{name} {after[name]}"
        for name in dict.fromkeys(names)
    ]
    text = ", ".join(parts)
    return text if len(text) <= SHOWN_LENGTH else f"{text[: SHOWN_LENGTH - 1]}…"
