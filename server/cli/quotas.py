"""``costgraph budget apply``: the limits of a quota file on a budget, the difference first."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli.errors import MISUSED, CliError
from server.cli.options import DataDir, Key, Url, Where

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ledger.commands import LimitSpec
    from ledger.quotas import Quota

ROOTS = "{ budgets(rootsOnly: true) { nodes { budgetId closedAt } pageInfo { hasNextPage } } }"
LIMITS = """
query Limits($budgetId: ID!) {
  budget(budgetId: $budgetId) { limits { meter window amount enforcement resource each } }
}
"""
PUT = "mutation PutLimits($input: UpdateBudgetInput!) { updateBudget(input: $input) { budgetId } }"
UNATTRIBUTED = "unattributed"


def apply(
    file: Annotated[
        Path,
        typer.Argument(help="The quota file (TOML).", metavar="FILE", exists=True, dir_okay=False),
    ],
    budget: Annotated[
        str | None,
        typer.Option(help="The budget. Default: the key's own, else the only root beside unattributed."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Apply without asking.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the difference, and change nothing.")
    ] = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Apply a quota file: its figures become hard limits of a budget. Applying it again changes nothing.

    What would change is shown first. Limits that the file does not name stay as they are; a key that is not
    known is an error. docs/quotas.md has the keys.

      costgraph budget apply quotas.toml --budget acme
      costgraph budget apply quotas.toml --dry-run
    """
    wanted = _read(file)
    from ledger.quotas import QUOTAS
    from server.cli.api import connected
    from server.cli.show import console

    out = console()
    with connected(Where(url, key, data_dir)) as api:
        budget = budget or _usual(api)
        found = api.graphql(LIMITS, {"budgetId": budget})["budget"]
        if found is None:
            raise CliError(f"There is no budget {budget}, or this key may not see it.")
        now = {_identity(each): each for each in found["limits"]}
        changes = {
            name: limit
            for name, spec in wanted.items()
            if (limit := _said(spec)) != now.get(_identity(limit))
        }
        if not changes:
            out.print(f"{budget} has these quotas already: nothing to change.")
            return
        out.print(_difference(QUOTAS, now, changes))
        if dry_run:
            return
        if not yes:
            typer.confirm(f"Change {len(changes)} limits of {budget}?", abort=True)
        api.graphql(PUT, {"input": {"budgetId": budget, "putLimits": list(changes.values())}})
        out.print(f"{len(changes)} limits of {budget} changed.")


def _read(file: Path) -> "dict[str, LimitSpec]":
    import tomllib
    from decimal import Decimal

    from ledger.errors import LedgerError
    from ledger.quotas import specs_of

    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
        return specs_of(document)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CliError(f"{file} is not TOML: {error}", MISUSED) from None
    except LedgerError as error:
        raise CliError(f"{file}: {error.message}", MISUSED) from None


def _usual(api: Any) -> str:
    """The only root beside ``unattributed``; of a confined key, its own budget."""
    page = api.graphql(ROOTS)["budgets"]
    roots = [each["budgetId"] for each in page["nodes"] if each["closedAt"] is None]
    made = [each for each in roots if each != UNATTRIBUTED] or roots
    if len(made) != 1 or page["pageInfo"]["hasNextPage"]:
        raise CliError(f"Say which budget: --budget BUDGET ({', '.join(made[:10])}).", MISUSED)
    return made[0]


def _said(spec: "LimitSpec") -> dict[str, Any]:
    """A limit as the API shows and takes it."""
    from ledger.model import Meter
    from pricing.money import format_nano

    return {
        "meter": spec.meter.value,
        "window": None if spec.window is None else spec.window.value,
        "amount": format_nano(spec.amount) if spec.meter is Meter.COST else str(spec.amount),
        "enforcement": spec.enforcement.value,
        "resource": spec.resource,
        "each": spec.each,
    }


def _identity(limit: dict[str, Any]) -> tuple[Any, ...]:
    return limit["meter"], limit["window"], limit["resource"], limit["each"]


def _difference(
    quotas: "Mapping[str, Quota]",
    now: dict[tuple[Any, ...], dict[str, Any]],
    changes: dict[str, dict[str, Any]],
) -> Any:
    """A line per quota that changes: its figure now and then, in its own unit."""
    from server.cli.show import table

    shown = table("", "quota", "now", "then", right={"now", "then"})
    for name, limit in changes.items():
        was = now.get(_identity(limit))
        before = "-" if was is None else _figure(quotas[name], was)
        shown.add_row("+" if was is None else "~", name, before, _figure(quotas[name], limit))
    return shown


def _figure(quota: "Quota", limit: dict[str, Any]) -> str:
    """The amount in the key's unit; how hard the limit is, where it is not hard."""
    from ledger.model import Meter
    from ledger.quotas import text_of
    from pricing.money import parse_nano

    amount = parse_nano(limit["amount"]) if quota.meter is Meter.COST else int(limit["amount"])
    text = text_of(quota.figure(amount))
    return text if limit["enforcement"] == "HARD" else f"{text} {limit['enforcement']}"
