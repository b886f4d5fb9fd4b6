"""``costgraph agreements`` and ``costgraph costs``: what was agreed for months, and what they cost by it."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from server.cli.errors import CliError
from server.cli.options import DataDir, Json, Key, Url, Where

PAGE = 200
AGREEMENT = """
fragment Agreed on Agreement {
  agreementId version budgetId fromMonth toMonth timezone withdrawn author recordedAt reason
  discounts { termId measure semantics tiers { above discountPercent } }
  commitments { termId amount } credits { termId amount }
}
"""
LIST = (
    """
query Agreements($agreementId: ID, $budgetId: ID, $first: Int!, $after: String) {
  agreements(agreementId: $agreementId, budgetId: $budgetId, first: $first, after: $after) {
    nodes { ...Agreed } pageInfo { hasNextPage endCursor }
  }
}
"""
    + AGREEMENT
)
CREATE = (
    "mutation Create($input: AgreementInput!) { put: createAgreement(input: $input) { ...Agreed } }"
    + AGREEMENT
)
UPDATE = (
    "mutation Update($input: AgreementInput!) { put: updateAgreement(input: $input) { ...Agreed } }"
    + AGREEMENT
)
WITHDRAW = """
mutation Withdraw($id: ID!, $month: String, $reason: String) {
  withdrawAgreement(agreementId: $id, fromMonth: $month, reason: $reason) { agreementId version fromMonth }
}
"""
CLOSE = """
mutation Close($id: ID!, $month: String) {
  closeMonths(agreementId: $id, month: $month) {
    currency months { month lines { kind termId effectiveCost billedCost } }
  }
}
"""
COSTS = """
query Costs($budgetId: ID!, $month: String) {
  monthlyCosts(budgetId: $budgetId, month: $month) {
    budgetId month currency closed listCost contractedCost effectiveCost billedCost tokens
    lines { kind termId effectiveCost billedCost }
  }
}
"""

app = typer.Typer(
    name="agreements",
    no_args_is_help=True,
    help="Volume discounts, commitments and credits for budgets' months; what is over is closed by itself.",
)

AgreementId = Annotated[
    str, typer.Argument(help="The agreement's id, of your choice.", metavar="AGREEMENT_ID")
]
Reason = Annotated[str | None, typer.Option(help="Why, for whoever asks later.")]


@app.command("list")
def list_(
    budget: Annotated[str | None, typer.Option(help="Those of this budget only.")] = None,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """List the agreements, each in its newest version.

    costgraph agreements list
    """
    from server.cli.api import connected

    with connected(Where(url, key, data_dir)) as api:
        found = list(_agreements(api, budgetId=budget))
    _show(found, as_json=as_json)


@app.command()
def show(
    agreement_id: AgreementId,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Show every version of an agreement, the newest first.

    costgraph agreements show acme-2026
    """
    from server.cli.api import connected

    with connected(Where(url, key, data_dir)) as api:
        found = list(_agreements(api, agreementId=agreement_id))
    if not found:
        raise CliError(f"There is no agreement {agreement_id}.")
    _show(found, as_json=as_json)


@app.command("set")
def set_(
    agreement_id: AgreementId,
    *,
    budget: Annotated[str, typer.Option(help="Whose months it is about: this budget and what is below it.")],
    from_month: Annotated[str, typer.Option("--from", help="The first month that it holds for: 2026-11.")],
    to_month: Annotated[
        str | None, typer.Option("--to", help="The first month that it holds for no more.")
    ] = None,
    discount: Annotated[
        list[str] | None,
        typer.Option(help='"big 5% above 1000, 10% above 10K"; "[of tokens]", "[cliff]" at the end.'),
    ] = None,
    commitment: Annotated[
        list[str] | None, typer.Option(help='Paid each month, used or not: "reserved 500".')
    ] = None,
    credit: Annotated[list[str] | None, typer.Option(help='Off the bill until used up: "start 100".')] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Where its months begin. Default: the budget's.")
    ] = None,
    reason: Reason = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    r"""Agree on something, or add a version to an agreement that is there: all of it anew, from a month on.

    costgraph agreements set acme-2026 --budget acme --from 2026-11 \
          --discount "big 5% above 1000, 10% above 10K" --commitment "reserved 500"
    """
    from server.cli.agreement_terms import amount_of, discount_of
    from server.cli.api import connected

    said = {
        "agreementId": agreement_id,
        "budgetId": budget,
        "fromMonth": from_month,
        "toMonth": to_month,
        "timezone": timezone,
        "discounts": [discount_of(each) for each in discount or ()],
        "commitments": [amount_of(each) for each in commitment or ()],
        "credits": [amount_of(each) for each in credit or ()],
        "reason": reason,
    }
    with connected(Where(url, key, data_dir)) as api:
        known = next(_agreements(api, agreementId=agreement_id), None)
        put = api.graphql(CREATE if known is None else UPDATE, {"input": said})["put"]
    _show([put], as_json=False)


@app.command()
def withdraw(
    agreement_id: AgreementId,
    from_month: Annotated[
        str | None, typer.Option("--from", help="From this month on. Default: the running one.")
    ] = None,
    reason: Reason = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """End an agreement from a month on. Its versions are kept.

    costgraph agreements withdraw acme-2026 --reason "contract ended"
    """
    from server.cli.api import connected
    from server.cli.show import console

    with connected(Where(url, key, data_dir)) as api:
        words = {"id": agreement_id, "month": from_month, "reason": reason}
        ended = api.graphql(WITHDRAW, words)["withdrawAgreement"]
    console().print(
        f"Withdrew {ended['agreementId']} (version {ended['version']}) from {ended['fromMonth']} on."
    )


@app.command()
def close(
    agreement_id: AgreementId,
    month: Annotated[str | None, typer.Option(help="Up to this month. Default: all that are over.")] = None,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Book the months that are over now. It happens by itself, too; nothing is booked twice.

    costgraph agreements close acme-2026
    """
    from server.cli.api import connected
    from server.cli.show import console

    with connected(Where(url, key, data_dir)) as api:
        closed = api.graphql(CLOSE, {"id": agreement_id, "month": month})["closeMonths"]
    out = console()
    if as_json:
        out.print_json(data=closed)
        return
    if not closed["months"]:
        out.print("Nothing was to be booked.")
    for each in closed["months"]:
        out.print(f"{each['month']}: {len(each['lines'])} lines")
        _print_lines(each["lines"], closed["currency"])


def costs(
    budget: Annotated[str, typer.Argument(help="The budget's id.", metavar="BUDGET")],
    month: Annotated[str | None, typer.Option(help="2026-11. Default: the running one, as accrued.")] = None,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Show the four costs of a budget's month: list, contracted, effective, billed.

    costgraph costs acme --month 2026-11
    """
    from server.cli.api import connected
    from server.cli.show import console

    with connected(Where(url, key, data_dir)) as api:
        found = api.graphql(COSTS, {"budgetId": budget, "month": month})["monthlyCosts"]
    out = console()
    if as_json:
        out.print_json(data=found)
        return
    state = "closed" if found["closed"] else "accrued so far"
    out.print(f"{found['budgetId']}, {found['month']} ({state}), {found['tokens']:,} tokens", markup=False)
    for name in ("list", "contracted", "effective", "billed"):
        out.print(f"  {name:10} {found[f'{name}Cost']} {found['currency']}", markup=False)
    _print_lines(found["lines"], found["currency"])


def _print_lines(lines: list[dict[str, Any]], currency: str) -> None:
    from server.cli.show import console

    for each in lines:
        kind = each["kind"].lower().replace("_", " ")
        console().print(
            f"  {kind} {each['termId']}: {each['effectiveCost']} effective, {each['billedCost']} billed "
            f"({currency})",
            markup=False,
            soft_wrap=True,
        )


def _agreements(api: Any, **said: str | None) -> Iterator[dict[str, Any]]:
    after = None
    while True:
        page = api.graphql(LIST, {**said, "first": PAGE, "after": after})["agreements"]
        yield from page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


def _show(agreements: list[dict[str, Any]], *, as_json: bool) -> None:
    from server.cli.agreement_terms import terms_text
    from server.cli.show import console

    out = console()
    if as_json:
        out.print_json(data=agreements)
        return
    for each in agreements:
        style = "dim" if each["withdrawn"] else None
        state = " (withdrawn)" if each["withdrawn"] else ""
        heading = (
            f"{each['agreementId']} {each['version']}{state}: {each['budgetId']}, "
            f"{each['fromMonth']} to {each['toMonth'] or '…'} ({each['timezone']})"
        )
        out.print(heading, style=style, markup=False, soft_wrap=True)
        for line in terms_text(each):
            out.print(f"  {line}", style=style, markup=False, soft_wrap=True)
        why = f": {each['reason']}" if each["reason"] else ""
        said = f"  by {each['author'] or 'somebody'}, {each['recordedAt'][:16].replace('T', ' ')}{why}"
        out.print(said, style="dim", markup=False, soft_wrap=True)
