"""``costgraph status``."""

from typing import Annotated, Any

import typer

from server.cli.options import DataDir, Json, Key, Url, Where

RECENT_AGENTS = 200
RUNAWAY_SHARE = 0.5

ACTIVITY = """
query Activity($first: Int!) {
  agentActivity(first: $first) {
    agent { agentId }
    currency
    costLast5Minutes costLast60Minutes operationsLast60Minutes operations lastSeenAt
  }
}
"""


def status(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Each agent's recent spend.")] = False,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Show the server, and where the root budgets stand.

    With --verbose also what each agent spent in the last 5 and 60 minutes, so that a runaway agent
    stands out.

      costgraph status
      costgraph status --verbose
    """
    from server.cli.api import connected
    from server.cli.budget import all_budgets
    from server.cli.show import console
    from server.cli.trees import arrange, budget_table

    with connected(Where(url, key, data_dir)) as api:
        budgets = list(all_budgets(api))
        agents: list[dict[str, Any]] = []
        if verbose:
            agents = api.graphql(ACTIVITY, {"first": RECENT_AGENTS})["agentActivity"]
        address = api.url
    roots = [(0, each) for depth, each in arrange(budgets) if depth == 0]
    out = console()
    if as_json:
        out.print_json(data={"url": address, "budgets": [each for _, each in roots], "agents": agents})
        return
    out.print(f"[bold]{address}[/bold] · {len(budgets):,} budgets")
    out.print(budget_table(roots))
    if verbose:
        out.print()
        out.print(agent_table(agents))


def agent_table(agents: list[dict[str, Any]]) -> Any:
    """One line per agent, the busiest first; the share of the last 5 minutes' spend as a bar."""
    from decimal import Decimal

    from rich.text import Text

    from server.cli.show import bar, money, table

    shown = table(
        "agent", "", "5 min", "60 min", "operations", "last seen", right={"5 min", "60 min", "operations"}
    )
    total = sum((Decimal(each["costLast5Minutes"]) for each in agents), Decimal(0))
    for each in agents:
        recent = Decimal(each["costLast5Minutes"])
        share = float(recent / total) if total else 0.0
        alone = share > RUNAWAY_SHARE and len(agents) > 1
        shown.add_row(
            each["agent"]["agentId"],
            Text(bar(share, 10), style="red" if alone else "green"),
            money(recent, each["currency"]),
            money(each["costLast60Minutes"], each["currency"]),
            f"{each['operations']:,}",
            (each["lastSeenAt"] or "")[:19].replace("T", " "),
        )
    return shown
