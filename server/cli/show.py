"""How commands print: money, counts, bars, trees. Rich is imported when something is shown."""

import sys
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

BAR_WIDTH = 20
COST_PLACES = 4
AMOUNT_PLACES = 2
BLOCKS = " ▏▎▍▌▋▊▉█"
STATE_STYLES = {
    "OK": "green",
    "WARNING": "yellow",
    "EXCEEDED": "bold red",
    "NOT_STARTED": "dim",
    "ENDED": "dim",
    "CLOSED": "dim",
}
SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}


def console(*, stderr: bool = False) -> "Console":
    """Standard output, or standard error; wide and plain where nobody looks."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, highlight=False, width=None if stream.isatty() else 140, soft_wrap=False)


def money(amount: str | Decimal | None, currency: str, *, places: int = COST_PLACES) -> str:
    """An amount for reading."""
    if amount is None:
        return "-"
    text = f"{Decimal(amount):,.{places}f}"
    sign = SIGNS.get(currency)
    return f"{sign}{text}".replace(f"{sign}-", f"-{sign}") if sign else f"{text} {currency}"


def bar(fraction: float | None, width: int = BAR_WIDTH) -> str:
    """A bar of eighths of a character; full at 1 and above."""
    if fraction is None:
        return ""
    eighths = round(max(0.0, min(1.0, fraction)) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (BLOCKS[rest] if rest else "")).ljust(width)


def utilization(fraction: float | None, state: str, width: int = BAR_WIDTH) -> "Text":
    """A coloured bar with its percentage."""
    from rich.text import Text

    if fraction is None:
        return Text("no amount set", style="dim")
    style = STATE_STYLES.get(state, "")
    text = Text(bar(fraction, width), style=style)
    # Rounded down: a budget that has not reached 80 % must not look as if it had.
    text.append(f" {int(fraction * 1000) / 10:>6.1f} %", style=style or None)
    return text


def branches(depths: list[int]) -> list[str]:
    """The tree lines before each node of a list in depth-first order."""
    drawn: list[str] = []
    open_at: set[int] = set()
    for depth in reversed(depths):
        if depth == 0:
            line = ""
        else:
            line = "".join("│  " if level in open_at else "   " for level in range(1, depth))
            line += "├─ " if depth in open_at else "└─ "
        open_at = {level for level in open_at if level < depth} | {depth}
        drawn.append(line)
    return drawn[::-1]


def note_archived(until: str | None, what: str) -> None:
    """Say on standard error what an answer from raw usage may lack."""
    if until is not None:
        text = f"Usage before {until} may be archived: such is not {what} (costgraph archive list)."
        console(stderr=True).print(text, style="yellow", markup=False)


def table(*columns: str, right: set[str] | None = None) -> "Table":
    """A table without lines; the named columns are aligned to the right."""
    from rich.table import Table

    shown = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        aligned = right is not None and column in right
        shown.add_column(column, justify="right" if aligned else "left", no_wrap=True)
    return shown
