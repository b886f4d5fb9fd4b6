"""``costgraph demo``: a graph with a fleet at work, in a temporary folder, checked against what was sent."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any

import typer

from server.cli.errors import CliError

BATCH = 500
REPEATED = 500
SHOWN_WARNINGS = 4
SHOWN_MODELS = 5
SPARKS = "▁▂▃▄▅▆▇█"

CREATE_BUDGET = "mutation Create($input: CreateBudgetInput!) { createBudget(input: $input) { budgetId } }"
REGISTER_AGENT = "mutation Register($input: RegisterAgentInput!) { registerAgent(input: $input) { agentId } }"
ROLLUP = """
query Rollup($budget: ID!) {
  budget(budgetId: $budget) {
    status { spent }
    rollup { total { operations promptTokens completionTokens totalCost } }
  }
}
"""
OVERVIEW = """
query Overview($budget: ID!) {
  budget(budgetId: $budget) {
    currency
    models: rollup(by: [MODEL]) { rows { keys { value } measures { operations totalTokens totalCost } } }
    days: rollup(granularity: DAY) { rows { start measures { totalCost } } }
  }
  ledgerCheck { ok findings { invariant budgetId expected actual } }
}
"""
READY_QUERY = (
    r"{ budget(budgetId: \"acme\") "
    "{ rollup(by: [AGENT]) { rows { keys { value } measures { operations totalCost } } } } }"
)


@dataclass(slots=True)
class Sent:
    """What was sent to one budget and acknowledged."""

    operations: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: Decimal = Decimal(0)

    def add(self, row: dict[str, Any], result: dict[str, Any]) -> None:
        """One acknowledged call."""
        self.operations += 1
        self.prompt_tokens += row["prompt_tokens"]
        self.completion_tokens += row["completion_tokens"]
        if result["cost_entry"]:
            self.cost += Decimal(result["cost_entry"]["total_cost"])


@dataclass(slots=True)
class Books:
    """Everything that was sent, per budget and its ancestors, beside what the server says of it."""

    sent: dict[str, Sent] = field(default_factory=lambda: defaultdict(Sent))
    warnings: dict[str, str] = field(default_factory=dict[str, str])
    """The last warning of each budget."""
    pricing: Counter[str] = field(default_factory=Counter[str])
    failures: list[str] = field(default_factory=list[str])

    def expect(self, what: str, expected: object, actual: object) -> None:
        """A figure that must be equal."""
        if expected != actual:
            self.failures.append(f"{what}: sent {expected}, the server says {actual}")


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Print and leave; non-zero where something failed.")
    ] = False,
    calls: Annotated[
        int, typer.Option(help="How many calls the fleet makes.", min=100, max=1_000_000)
    ] = 3_000,
    seed: Annotated[int, typer.Option(help="Another seed, another fleet's day.")] = 7,
) -> None:
    """See it work: a budget tree, a simulated fleet of agents, exact rollups; nothing to prepare.

    Starts an embedded engine in a temporary folder, records the fleet's calls through the public API
    (their sizes follow published distributions of real services), checks every figure of the tree
    against what was sent, and stays with a query page until Ctrl-C. Nothing is kept.

      costgraph demo
      costgraph demo --once
    """
    import contextlib
    import tempfile
    import threading
    from pathlib import Path

    from server.cli.api import Api
    from server.cli.show import console
    from server.logs import set_up_logs
    from server.run import serving
    from server.settings import Settings

    out = console()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="costgraph-demo-")))
        set_up_logs()
        with out.status("Starting the embedded engine…"):
            # Not from the environment: the demo never touches anybody's graph.
            settings = Settings.model_construct(
                neo4j_uri=None, neo4j_password=None, admin_key=None, data_dir=folder / "data", workers=1
            )
            url = stack.enter_context(serving(settings))
        key = settings.admin_key_file.read_text(encoding="utf-8").strip()
        api = stack.enter_context(Api(url, key))
        books = Books()
        with out.status(f"Recording {calls:,} calls…"):
            _work(api, books, calls, seed)
        with out.status("Checking every figure…"):
            overview = _check(api, books)
        _show(out, api, books, overview, calls)
        if books.failures:
            raise CliError("\n".join(books.failures))
        if not once:
            _invite(out, url, key)
            with contextlib.suppress(KeyboardInterrupt):
                threading.Event().wait()
            out.print("\nStopping…", style="dim")


def _work(api: Any, books: Books, count: int, seed: int) -> None:
    """Budgets, agents, calls; a part of the calls twice."""
    from datetime import UTC, datetime

    from server import demo as fleet

    for each in fleet.BUDGETS:
        wanted = {
            "budgetId": each.budget_id,
            "parentBudgetId": each.parent_id,
            "budgetType": each.budget_type,
            "amount": each.scaled(count),
        }
        api.graphql(CREATE_BUDGET, {"input": wanted})
    for agent in fleet.AGENTS:
        wanted = {
            "agentId": agent.agent_id,
            "budgetId": agent.budget_id,
            "parentAgentIds": list(agent.parent_ids),
        }
        api.graphql(REGISTER_AGENT, {"input": wanted})
    rows = list(fleet.calls(count, datetime.now(UTC), seed))
    for begin in range(0, count, BATCH):
        batch = rows[begin : begin + BATCH]
        for row, result in zip(batch, api.record(batch), strict=True):
            _take(books, row, result)
    again = api.record(rows[:REPEATED])
    books.expect("calls repeated", len(rows[:REPEATED]), sum(bool(each.get("duplicate")) for each in again))


def _take(books: Books, row: dict[str, Any], result: dict[str, Any]) -> None:
    from server import demo as fleet

    if result["status"] != 201:  # noqa: PLR2004 - created
        books.failures.append(f"{row['operation_id']}: {result.get('detail', result)}")
        return
    parents = {each.budget_id: each.parent_id for each in fleet.BUDGETS}
    at: str | None = next(each.budget_id for each in fleet.AGENTS if each.agent_id == row["agent_id"])
    while at is not None:
        books.sent[at].add(row, result)
        at = parents[at]
    books.pricing[result["pricing"]] += 1
    for warning in result["warnings"]:
        if warning["budget_id"] is not None:
            books.warnings[warning["budget_id"]] = warning["message"]


def _check(api: Any, books: Books) -> dict[str, Any]:
    """Every budget's rollup and window against what was sent; then the ledger's own check."""
    from server import demo as fleet

    for budget in fleet.BUDGETS:
        sent = books.sent[budget.budget_id]
        found = api.graphql(ROLLUP, {"budget": budget.budget_id})["budget"]
        total = found["rollup"]["total"]
        name = budget.budget_id
        books.expect(f"{name}: operations", sent.operations, total["operations"])
        books.expect(f"{name}: prompt tokens", sent.prompt_tokens, total["promptTokens"])
        books.expect(f"{name}: completion tokens", sent.completion_tokens, total["completionTokens"])
        books.expect(f"{name}: cost", sent.cost, Decimal(total["totalCost"]))
        books.expect(f"{name}: window", sent.cost, Decimal(found["status"]["spent"]))
    overview = api.graphql(OVERVIEW, {"budget": fleet.BUDGETS[0].budget_id})
    books.expect("findings of the ledger's check", [], overview["ledgerCheck"]["findings"])
    return overview


def _show(out: Any, api: Any, books: Books, overview: dict[str, Any], count: int) -> None:
    from server import demo as fleet
    from server.cli.budget import all_budgets
    from server.cli.show import money, table
    from server.cli.trees import arrange, budget_table

    root = overview["budget"]
    out.print(
        f"\n[bold]{count:,} calls of {len(fleet.AGENTS)} simulated agents[/bold] over {fleet.DAYS} days "
        "[dim](sizes after Azure's published LLM services, Splitwise 2024)[/dim]\n"
    )
    out.print(budget_table(arrange(list(all_budgets(api)), fleet.BUDGETS[0].budget_id)))
    shown = table("model", "calls", "tokens", "cost", right={"calls", "tokens", "cost"})
    for row in root["models"]["rows"][:SHOWN_MODELS]:
        measures = row["measures"]
        cost = money(measures["totalCost"], root["currency"])
        shown.add_row(
            row["keys"][0]["value"], f"{measures['operations']:,}", f"{measures['totalTokens']:,}", cost
        )
    out.print()
    out.print(shown)
    costs = [Decimal(row["measures"]["totalCost"]) for row in root["days"]["rows"]]
    out.print(f"\n[dim]day by day[/dim]  [cyan]{sparkline(costs)}[/cyan]\n")
    for _, message in zip(range(SHOWN_WARNINGS), books.warnings.values(), strict=False):
        out.print(f"[yellow]![/yellow] {message}")
    if unpriced := books.pricing["UNPRICED"]:
        out.print(
            f"[yellow]![/yellow] {unpriced:,} calls to a model without a price wait as UNPRICED, not as 0."
        )
    if not books.failures:
        exact = format(books.sent[fleet.BUDGETS[0].budget_id].cost.normalize(), "f")
        out.print(
            f"[green]✓[/green] exactly {exact} USD: every figure of {len(fleet.BUDGETS)} budgets equals what "
            f"was sent; {min(REPEATED, count):,} calls sent twice were charged once; the books agree"
        )


def _invite(out: Any, url: str, key: str) -> None:
    out.print(f"\n[bold]Query page[/bold]  {url}/graphql")
    out.print(f"[bold]Key[/bold]         {key}")
    out.print("[bold]Ready query[/bold]")
    out.print(
        f"  curl -s {url}/graphql -H 'Authorization: Bearer {key}' \\\n"
        f"    -H 'Content-Type: application/json' -d '{{\"query\": \"{READY_QUERY}\"}}'",
        markup=False,
        soft_wrap=True,
    )
    out.print("\nCtrl-C ends it and removes everything.", style="dim")


def sparkline(values: Sequence[Decimal]) -> str:
    """One block per value, the largest full."""
    top = max(values, default=Decimal(0))
    if not top:
        return ""
    return "".join(SPARKS[min(len(SPARKS) - 1, int(value / top * len(SPARKS)))] for value in values)
