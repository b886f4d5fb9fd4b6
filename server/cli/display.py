"""Budgets in a currency that somebody would like to see."""

from collections.abc import Iterator
from typing import Any, Final

from server.cli.errors import REFUSED, CliError

DISPLAYED: Final = """
query Displayed($amounts: [Decimal!]!, $currency: String!, $displayCurrency: String!) {
  displayedAmounts(amounts: $amounts, currency: $currency, displayCurrency: $displayCurrency) {
    rate rateDate rateSource amounts { exact }
  }
}
"""
AMOUNTS_MAX: Final = 1_000
FIGURES: Final = ("spent", "reserved", "available", "effectiveAvailable")

Budget = dict[str, Any]


def in_currency(api: Any, budgets: list[Budget], currency: str) -> tuple[list[Budget], list[str]]:
    """Budgets with their figures in a currency, and a line for each rate that was used.

    What nobody knows a rate for stays as it is, and a line says so.
    """
    shown = {each["budgetId"]: each for each in budgets}
    notes: list[str] = []
    for own in sorted({each["currency"] for each in budgets} - {currency}):
        some = [each for each in budgets if each["currency"] == own]
        figures = [figure for each in some for figure in _figures(each)]
        try:
            converted, note = _converted(api, figures, own, currency)
        except CliError as error:
            if error.exit_code != REFUSED:
                raise
            notes.append(error.message)
            continue
        notes.append(note)
        values = iter(converted)
        for each in some:
            shown[each["budgetId"]] = _with(each, currency, values)
    return list(shown.values()), notes


def _converted(api: Any, figures: list[str], own: str, currency: str) -> tuple[list[str], str]:
    """Figures in another currency, and by which rate."""
    converted: list[str] = []
    note = ""
    for begin in range(0, len(figures), AMOUNTS_MAX):
        said = {"currency": own, "displayCurrency": currency}
        part = {"amounts": figures[begin : begin + AMOUNTS_MAX], **said}
        found = api.graphql(DISPLAYED, part)["displayedAmounts"]
        converted += [each["exact"] for each in found["amounts"]]
        note = f"at {found['rate']} {currency} per {own} of {found['rateDate']} ({found['rateSource']})"
    return converted, note


def _figures(budget: Budget) -> list[str]:
    every = [budget["amount"], *(budget["status"].get(name) for name in FIGURES)]
    return [figure for figure in every if figure is not None]


def _with(budget: Budget, currency: str, values: Iterator[str]) -> Budget:
    """The same budget; the values come in the order of its figures."""
    amount = None if budget["amount"] is None else next(values)
    status = dict(budget["status"])
    for name in FIGURES:
        if status.get(name) is not None:
            status[name] = next(values)
    return {**budget, "amount": amount, "currency": currency, "status": status}
