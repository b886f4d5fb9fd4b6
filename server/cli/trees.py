"""The budget tree as a table: branches, bars, figures."""

from typing import TYPE_CHECKING, Any

from server.cli.show import AMOUNT_PLACES, STATE_STYLES, branches, money, table, utilization

if TYPE_CHECKING:
    from rich.table import Table

Budget = dict[str, Any]


def arrange(budgets: list[Budget], top: str | None = None) -> list[tuple[int, Budget]]:
    """Budgets in depth-first order with their depth, below ``top`` or all; unknown parents make roots."""
    known = {each["budgetId"] for each in budgets}
    children: dict[str | None, list[Budget]] = {}
    for each in sorted(budgets, key=lambda budget: budget["budgetId"]):
        parent: str | None = each["parent"]["budgetId"] if each["parent"] else None
        children.setdefault(parent if parent in known else None, []).append(each)
    roots = children.get(None, []) if top is None else [each for each in budgets if each["budgetId"] == top]
    waiting = [(0, each) for each in reversed(roots)]
    arranged: list[tuple[int, Budget]] = []
    while waiting:
        depth, budget = waiting.pop()
        arranged.append((depth, budget))
        below = children.get(budget["budgetId"], [])
        waiting.extend((depth + 1, each) for each in reversed(below))
    return arranged


def budget_table(arranged: list[tuple[int, Budget]]) -> "Table":
    """One line per budget."""
    from rich.text import Text

    figures = ("spent", "of", "reserved", "available", "holds")
    shown = table("budget", "", *figures, "", right=set(figures))
    lines = branches([depth for depth, _ in arranged])
    for line, (_, budget) in zip(lines, arranged, strict=True):
        status = budget["status"]
        state, currency = status["state"], budget["currency"]
        shown.add_row(
            Text().append(line, "dim").append(budget["budgetId"], "bold"),
            utilization(status["utilization"], state),
            money(status["spent"], currency),
            money(budget["amount"], currency, places=AMOUNT_PLACES) if budget["amount"] else "",
            money(status["reserved"], currency) if budget["openReservations"] else "",
            money(status["available"], currency) if status["available"] is not None else "",
            f"{budget['openReservations']:,}" if budget["openReservations"] else "",
            Text("" if state == "OK" else state.replace("_", " ").lower(), style=STATE_STYLES.get(state, "")),
        )
    return shown
