"""``costgraph budget``: create, set, move, close, tree."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from server.cli import quotas, wallets
from server.cli.errors import CliError
from server.cli.limits import LIMIT_HELP, limits_of, thresholds_of
from server.cli.options import DataDir, Json, Key, Url, Where

PAGE = 200
MONEY_HELP = "Amount in the budget's currency, such as 2000 or 0.50."
NO_AMOUNT = "none"

STANDING = """
fragment Standing on Budget {
  budgetId name amount currency budgetType
  parent { budgetId }
  status { spent reserved available utilization state windowStart windowEnd }
  openReservations
  wallet { balance available reserved toppedUp spent lowBalance }
}
"""
CREATE = (
    "mutation CreateBudget($input: CreateBudgetInput!) { createBudget(input: $input) { ...Standing } }"
    + STANDING
)
UPDATE = (
    "mutation UpdateBudget($input: UpdateBudgetInput!) { updateBudget(input: $input) { ...Standing } }"
    + STANDING
)
MOVE = (
    "mutation MoveBudget($budgetId: ID!, $newParentBudgetId: ID) {"
    " moveBudget(budgetId: $budgetId, newParentBudgetId: $newParentBudgetId) { ...Standing } }" + STANDING
)
CURRENCY = "query Currency($budgetId: ID!) { budget(budgetId: $budgetId) { currency } }"
CLOSE = "mutation CloseBudget($budgetId: ID!) { closeBudget(budgetId: $budgetId) { ...Standing } }" + STANDING
ALL = (
    "query Budgets($first: Int!, $after: String) { budgets(first: $first, after: $after) {"
    " nodes { ...Standing } pageInfo { hasNextPage endCursor } } }" + STANDING
)

app = typer.Typer(name="budget", no_args_is_help=True, help="Make, change and look at budgets.")
app.command()(quotas.apply)
app.command("top-up", context_settings={"ignore_unknown_options": True})(wallets.top_up)

BudgetId = Annotated[str, typer.Argument(help="The budget's id.", metavar="BUDGET")]
Amount = Annotated[str | None, typer.Option(help=MONEY_HELP)]
Name = Annotated[str | None, typer.Option(help="A name to show.")]
Recurrence = Annotated[
    str | None, typer.Option(help="NONE, DAILY, WEEKLY, MONTHLY, QUARTERLY or YEARLY.", case_sensitive=False)
]
Timezone = Annotated[str | None, typer.Option(help="IANA time zone of its windows, such as Europe/Berlin.")]
Start = Annotated[str | None, typer.Option(help="When its period begins: 2026-11-01T00:00:00Z.")]
End = Annotated[str | None, typer.Option(help="When its period ends.")]
WarnAt = Annotated[
    float | None, typer.Option(help="The fraction of the amount from which it warns.", min=0, max=1)
]
Thresholds = Annotated[
    list[str] | None,
    typer.Option(
        "--threshold",
        help='A further utilization that is told: 0.5, or "0.5 hysteresis 0.1" to be told when it is left.',
        metavar="THRESHOLD",
    ),
]
CoolDown = Annotated[
    int | None, typer.Option(help="For so many seconds it tells nothing lower than what it told.", min=0)
]
Limits = Annotated[list[str] | None, typer.Option("--limit", help=LIMIT_HELP, metavar="LIMIT")]
CarryOver = Annotated[
    str | None, typer.Option(help="How much of what a period leaves the next one has on top, at most.")
]
LowBalance = Annotated[
    str | None, typer.Option(help="The balance of its wallet from which on little is left.")
]
Priority = Annotated[int | None, typer.Option(help="Its priority among its siblings.")]


@app.command()
def create(
    budget: BudgetId,
    *,
    parent: Annotated[str | None, typer.Option(help="The budget above it; without one it is a root.")] = None,
    kind: Annotated[
        str,
        typer.Option(
            "--type",
            help="PLATFORM, PROJECT, TASK, TEAM, USER, PROVIDER, MODEL, AGENT, EXPERIMENT or CUSTOM.",
        ),
    ] = "CUSTOM",
    amount: Amount = None,
    currency: Annotated[
        str | None, typer.Option(help="Currency (of a root: USD; else its parent's).")
    ] = None,
    name: Name = None,
    resource: Annotated[str | None, typer.Option(help="The id of what it pays for.")] = None,
    recurrence: Recurrence = None,
    timezone: Timezone = None,
    period_start: Start = None,
    period_end: End = None,
    warn_at: WarnAt = None,
    threshold: Thresholds = None,
    cool_down: CoolDown = None,
    carry_over_cap: CarryOver = None,
    low_balance: LowBalance = None,
    limit: Limits = None,
    priority: Priority = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Create a budget. Creating the same one again changes nothing.

    Without --amount it only tracks. With an amount and neither period nor recurrence it is for a lifetime.

      costgraph budget create acme --type platform --amount 1000 --recurrence monthly
      costgraph budget create acme/search --parent acme --type project --amount 300
      costgraph budget create acme/bots --limit "COST DAY 25 HARD" --limit "TOKENS DAY 1000000 SOFT"
      costgraph budget create acme/ads --amount 50 --threshold 0.5 --threshold "0.9 hysteresis 0.05"
      costgraph budget create lab --limit "REQUESTS MINUTE 9 each USER" --limit "LEVEL 50 of agents"
    """
    fields = {
        "budgetId": budget,
        "parentBudgetId": parent,
        "budgetType": kind.upper(),
        "amount": amount,
        "currency": currency,
        "name": name,
        "resourceId": resource,
        "recurrence": recurrence and recurrence.upper(),
        "timezone": timezone,
        "periodStart": period_start,
        "periodEnd": period_end,
        "warningThreshold": warn_at,
        "thresholds": None if threshold is None else thresholds_of(threshold),
        "coolDownSeconds": cool_down,
        "carryOverCap": carry_over_cap,
        "lowBalanceThreshold": low_balance,
        "limits": None if limit is None else limits_of(limit),
        "priority": priority,
    }
    from server.cli.api import connected

    with connected(Where(url, key, data_dir)) as api:
        if parent is not None and currency is None:
            fields["currency"] = _currency_of(api, parent)
        _show(api.graphql(CREATE, {"input": _given(fields)})["createBudget"])


@app.command("set")
def set_(
    budget: BudgetId,
    *,
    amount: Amount = None,
    name: Name = None,
    recurrence: Recurrence = None,
    timezone: Timezone = None,
    period_start: Start = None,
    period_end: End = None,
    warn_at: WarnAt = None,
    threshold: Thresholds = None,
    cool_down: CoolDown = None,
    carry_over_cap: CarryOver = None,
    low_balance: LowBalance = None,
    limit: Limits = None,
    priority: Priority = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Change some fields of a budget; what is not given stays.

    --amount none takes the amount away: the budget only tracks from then on. With --limit all limits
    beside the amount are those that are given; --limit none removes them. So with --threshold.

    costgraph budget set acme --amount 2000
    costgraph budget set acme --warn-at 0.9 --timezone Europe/Berlin
    costgraph budget set acme --limit "COST DAY 25 HARD" --limit "LEVEL 50 of agents"
    """
    fields = _given(
        {
            "amount": amount,
            "name": name,
            "recurrence": recurrence and recurrence.upper(),
            "timezone": timezone,
            "periodStart": period_start,
            "periodEnd": period_end,
            "warningThreshold": warn_at,
            "thresholds": None if threshold is None else thresholds_of(threshold),
            "coolDownSeconds": cool_down,
            "carryOverCap": carry_over_cap,
            "lowBalanceThreshold": low_balance,
            "limits": None if limit is None else limits_of(limit),
            "priority": priority,
        }
    )
    for removable in ("amount", "carryOverCap", "lowBalanceThreshold"):
        if fields.get(removable, "").lower() == NO_AMOUNT:
            fields[removable] = None
    if not fields:
        raise typer.BadParameter("Say what to change, such as --amount 2000.")
    _change(Where(url, key, data_dir), UPDATE, "updateBudget", {"input": {"budgetId": budget, **fields}})


@app.command()
def move(
    budget: BudgetId,
    under: Annotated[str | None, typer.Option("--under", help="The new parent.")] = None,
    root: Annotated[bool, typer.Option("--root", help="Make it a root.")] = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Hang a budget under another parent. This moves the future: what was charged stays where it was.

    costgraph budget move search --under research
    costgraph budget move search --root
    """
    if (under is None) != root:
        raise typer.BadParameter("Say where to: --under PARENT, or --root.")
    _change(Where(url, key, data_dir), MOVE, "moveBudget", {"budgetId": budget, "newParentBudgetId": under})


@app.command()
def close(budget: BudgetId, url: Url = None, key: Key = None, data_dir: DataDir = None) -> None:
    """Close a budget for good. What is recorded on it from then on lands with a warning.

    costgraph budget close acme/old-project
    """
    _change(Where(url, key, data_dir), CLOSE, "closeBudget", {"budgetId": budget})


@app.command()
def tree(
    budget: Annotated[str | None, typer.Argument(help="Show this budget and what is below it.")] = None,
    closed: Annotated[bool, typer.Option("--closed", help="Closed budgets too.")] = False,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Show the budget tree: what was spent in each budget's current window, as bars, and what is held.

    "reserved" is held by open reservations, "available" is neither spent nor held; "holds" counts the
    reservations in flight.

    costgraph budget tree
    costgraph budget tree acme
    """
    from server.cli.api import connected
    from server.cli.show import console
    from server.cli.trees import arrange, budget_table

    with connected(Where(url, key, data_dir)) as api:
        budgets = list(all_budgets(api))
    if not closed:
        budgets = [
            each for each in budgets if each["status"]["state"] != "CLOSED" or each["budgetId"] == budget
        ]
    arranged = arrange(budgets, budget)
    if budget is not None and not arranged:
        raise CliError(f"There is no budget {budget}, or this key may not see it.")
    out = console()
    if as_json:
        out.print_json(data=[{"depth": depth, **each} for depth, each in arranged])
        return
    out.print(budget_table(arranged))


def all_budgets(api: Any) -> Iterator[dict[str, Any]]:
    """Every budget that the key may see, page by page."""
    after = None
    while True:
        page = api.graphql(ALL, {"first": PAGE, "after": after})["budgets"]
        yield from page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _currency_of(api: Any, budget: str) -> str | None:
    """A budget tree has one currency; an unknown parent is the server's to refuse."""
    found = api.graphql(CURRENCY, {"budgetId": budget})["budget"]
    return found and found["currency"]


def _change(where: Where, mutation: str, field: str, variables: dict[str, Any]) -> None:
    from server.cli.api import connected

    with connected(where) as api:
        _show(api.graphql(mutation, variables)[field])


def _show(budget: dict[str, Any]) -> None:
    from server.cli.show import console
    from server.cli.trees import budget_table

    console().print(budget_table([(0, budget)]))
