"""``costgraph budget top-up``: prepaid credit."""

from typing import Annotated, Any

import typer

from server.cli.options import DataDir, Json, Key, Url, Where

TOP_UP = """
mutation TopUp($input: TopUpInput!) {
  topUp(input: $input) {
    budgetId currency
    wallet { balance available reserved toppedUp spent lowBalanceThreshold lowBalance }
  }
}
"""


def top_up(
    budget: Annotated[str, typer.Argument(help="The budget's id.", metavar="BUDGET")],
    amount: Annotated[
        str,
        typer.Argument(help="In the budget's currency; below zero takes back.", metavar="AMOUNT"),
    ],
    reason: Annotated[str | None, typer.Option(help="Why, for the record: an invoice's number.")] = None,
    idempotency_key: Annotated[
        str | None,
        typer.Option(help="Give the same one to repeat this safely. Default: a new one, which is printed."),
    ] = None,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Add prepaid credit to a budget. The first top-up gives it a wallet: a hard limit of what is in it.

    What is reserved on the budget, and on all below it, must fit into what is available. Below the threshold
    of budget set --low-balance the event budget.low_balance is told, once until it is topped up again.

      costgraph budget top-up acme 500 --reason "invoice 2026-117"
      costgraph budget top-up acme -50 --reason "sent twice"
    """
    import uuid

    from server.cli.api import connected
    from server.cli.show import console

    said = {
        "budgetId": budget,
        "amount": amount,
        "reason": reason,
        "idempotencyKey": idempotency_key or str(uuid.uuid4()),
    }
    with connected(Where(url, key, data_dir)) as api:
        topped_up = api.graphql(TOP_UP, {"input": said})["topUp"]
    out = console()
    if as_json:
        out.print_json(data={**topped_up, "idempotencyKey": said["idempotencyKey"]})
        return
    out.print(wallet_table([topped_up]))
    if idempotency_key is None:
        out.print(f"idempotency key {said['idempotencyKey']}", style="dim", markup=False)


def wallet_table(budgets: list[dict[str, Any]]) -> Any:
    """One line per budget that has a wallet."""
    from rich.text import Text

    from server.cli.show import money, table

    figures = ("balance", "reserved", "available", "topped up", "spent")
    shown = table("wallet", *figures, "", right=set(figures))
    for budget in budgets:
        wallet, currency = budget["wallet"], budget["currency"]
        names = ("balance", "reserved", "available", "toppedUp", "spent")
        shown.add_row(
            Text(budget["budgetId"], "bold"),
            *(money(wallet[name], currency) for name in names),
            Text("low" if wallet["lowBalance"] else "", style="bold red"),
        )
    return shown
