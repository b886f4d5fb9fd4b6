"""``costgraph verify``."""

from typing import Annotated

import typer

from server.cli.errors import CliError
from server.cli.options import DataDir, Key, Url, Where

CHECK = """
query Verify($budgetId: ID) {
  ledgerCheck(budgetId: $budgetId) { ok findings { invariant budgetId expected actual } }
}
"""


def verify(
    budget: Annotated[str | None, typer.Argument(help="Look at this budget's subtree only.")] = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Recompute the books from their entries, and report every figure that differs.

    Windows against entries, rollups against entries, every usage against its entry. Exits with 1 where
    something differs.

      costgraph verify
      costgraph verify acme
    """
    from server.cli.api import connected
    from server.cli.show import console, table

    with connected(Where(url, key, data_dir)) as api:
        check = api.graphql(CHECK, {"budgetId": budget})["ledgerCheck"]
    out = console()
    findings = check["findings"]
    if check["ok"]:
        out.print("[green]The books agree.[/green]")
        return
    shown = table("invariant", "budget", "expected", "actual")
    for each in findings:
        shown.add_row(each["invariant"], each["budgetId"] or "", str(each["expected"]), str(each["actual"]))
    out.print(shown)
    raise CliError(f"{len(findings)} figures differ.")
