"""``costgraph status``: where the root budgets stand, and what each agent spends just now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

import typer

from server.cli.display import in_currency
from server.cli.options import DataDir, Json, Key, Url, Where

SHOWN_AGENTS = 50
RUNAWAY_SHARE = 0.5
SCOPED_TYPES = {"USER", "PROVIDER", "MODEL", "AGENT"}

ACTIVITY = """
query Activity($budget: ID!, $from5: DateTime!, $from60: DateTime!, $to: DateTime!) {
  budget(budgetId: $budget) {
    recent: rollup(by: [AGENT], from: $from5, to: $to) { ...Rows }
    hour: rollup(by: [AGENT], from: $from60, to: $to) { ...Rows }
    all: rollup(by: [AGENT]) { ...Rows }
  }
}
fragment Rows on Rollup { rows { keys { value } measures { operations totalCost } } }
"""
LAST_SEEN = "usage(filter: {{agentId: ${name}}}, first: 1) {{ nodes {{ timestamp }} }}"
LAST_SEEN_AT_ONCE = 20


@dataclass(slots=True)
class Activity:
    """What one agent did, in one currency."""

    agent_id: str
    currency: str
    cost_5_minutes: Decimal = Decimal(0)
    cost_60_minutes: Decimal = Decimal(0)
    operations_60_minutes: int = 0
    operations: int = 0
    last_seen: str | None = None

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "agentId": self.agent_id,
            "currency": self.currency,
            "costLast5Minutes": format(self.cost_5_minutes, "f"),
            "costLast60Minutes": format(self.cost_60_minutes, "f"),
            "operationsLast60Minutes": self.operations_60_minutes,
            "operations": self.operations,
            "lastSeen": self.last_seen,
        }


def status(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Each agent's recent spend.")] = False,
    currency: Annotated[
        str | None, typer.Option(help="Show budgets in this currency, by the newest exchange rates.")
    ] = None,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Show where the root budgets stand, what is held on them, and with --verbose what each agent spends.

    Agents come with their spend in the last 5 and 60 minutes, their operations and when they were last
    seen, the busiest first: a runaway agent stands out.

      costgraph status
      costgraph status --verbose
      costgraph status --currency JPY
    """
    from server.cli.api import connected
    from server.cli.budget import all_budgets
    from server.cli.show import console
    from server.cli.trees import arrange, budget_table
    from server.cli.wallets import wallet_table

    with connected(Where(url, key, data_dir)) as api:
        budgets = list(all_budgets(api))
        roots = [each for depth, each in arrange(budgets) if depth == 0]
        shown, notes = (roots, []) if currency is None else in_currency(api, roots, currency)
        agents = activities(api, roots, datetime.now(UTC)) if verbose else []
        address = api.url
    out = console()
    if as_json:
        out.print_json(data={"url": address, "budgets": shown, "agents": [each.as_json() for each in agents]})
        return
    out.print(f"[bold]{address}[/bold] · {len(budgets):,} budgets")
    out.print(budget_table([(0, each) for each in shown]))
    if prepaid := [
        each for each in budgets if each["wallet"] is not None and each["status"]["state"] != "CLOSED"
    ]:
        out.print()
        out.print(wallet_table(prepaid))
    for note in notes:
        out.print(note, style="dim", markup=False)
    if verbose:
        out.print()
        out.print(agent_table(agents[:SHOWN_AGENTS]))
        if (more := len(agents) - SHOWN_AGENTS) > 0:
            out.print(f"… and {more:,} agents that spend less", style="dim")


def activities(api: Any, roots: Sequence[dict[str, Any]], now: datetime) -> list[Activity]:
    """Every agent that ever spent, the one that spends most just now first."""
    found: dict[tuple[str, str], Activity] = {}
    moments = {
        "from5": (now - timedelta(minutes=5)).isoformat(),
        "from60": (now - timedelta(minutes=60)).isoformat(),
        "to": (now + timedelta(minutes=5)).isoformat(),
    }
    for root in _paying(roots):
        answer = api.graphql(ACTIVITY, {"budget": root["budgetId"], **moments})["budget"]
        for part, row in _rows(answer):
            agent, measures = row["keys"][0]["value"], row["measures"]
            if agent is None:
                continue
            each = found.setdefault((agent, root["currency"]), Activity(agent, root["currency"]))
            cost = Decimal(measures["totalCost"])
            match part:
                case "recent":
                    each.cost_5_minutes += cost
                case "hour":
                    each.cost_60_minutes += cost
                    each.operations_60_minutes += measures["operations"]
                case _:
                    each.operations += measures["operations"]
    agents = sorted(
        found.values(),
        key=lambda each: (each.cost_5_minutes, each.cost_60_minutes, each.operations),
        reverse=True,
    )
    _see(api, agents[:SHOWN_AGENTS])
    return agents


def _paying(roots: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Roots that pay by themselves: budgets of a user or a model count the same operations beside them."""
    return [each for each in roots if each["budgetType"] not in SCOPED_TYPES] or list(roots)


def _rows(answer: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for part in ("recent", "hour", "all"):
        for row in answer[part]["rows"]:
            yield part, row


def _see(api: Any, agents: Sequence[Activity]) -> None:
    """When each was last seen: its newest usage."""
    for begin in range(0, len(agents), LAST_SEEN_AT_ONCE):
        some = agents[begin : begin + LAST_SEEN_AT_ONCE]
        names = [f"a{number}" for number in range(len(some))]
        fields = " ".join(f"{name}: {LAST_SEEN.format(name=name)}" for name in names)
        declared = ", ".join(f"${name}: ID!" for name in names)
        values = {name: each.agent_id for name, each in zip(names, some, strict=True)}
        answer = api.graphql(f"query LastSeen({declared}) {{ {fields} }}", values)
        for name, each in zip(names, some, strict=True):
            nodes = answer[name]["nodes"]
            each.last_seen = nodes[0]["timestamp"] if nodes else None


def agent_table(agents: Sequence[Activity]) -> Any:
    """One line per agent; its share of the last 5 minutes' spend as a bar."""
    from rich.text import Text

    from server.cli.show import bar, money, table

    right = {"5 min", "60 min", "calls, 60 min", "calls"}
    shown = table("agent", "", "5 min", "60 min", "calls, 60 min", "calls", "last seen (UTC)", right=right)
    total = sum((each.cost_5_minutes for each in agents), Decimal(0))
    for each in agents:
        share = float(each.cost_5_minutes / total) if total else 0.0
        alone = share > RUNAWAY_SHARE and len(agents) > 1
        shown.add_row(
            each.agent_id,
            Text(bar(share, 10), style="red" if alone else "green"),
            money(each.cost_5_minutes, each.currency),
            money(each.cost_60_minutes, each.currency),
            f"{each.operations_60_minutes:,}",
            f"{each.operations:,}",
            (each.last_seen or "")[:19].replace("T", " "),
        )
    return shown
