"""The page about pricing says what the code does."""

import re
from pathlib import Path

from pricing.explain import Component
from pricing.modes import Mode
from pricing.quote import Reason
from pricing.rates import component_of
from pricing.resources import UNITS, default_cards
from pricing.tokens import Method
from pricing.units import COUNT_NAMES

PAGE = (Path(__file__).parents[2] / "docs" / "pricing.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the tables under a heading, without their heads."""
    (section,) = re.findall(rf"^## {heading}$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    found = [
        [cell.strip(" `") for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line[:1] == "|"
    ]
    return [
        row for row, after in zip(found, [*found[1:], [""]], strict=True) if "---" not in (row[0], after[0])
    ]


def test_every_count_is_listed_with_its_component() -> None:
    assert [(row[0], row[1]) for row in rows("Units")] == [
        (name, list(Component)[component_of(position)].value) for position, name in enumerate(COUNT_NAMES)
    ]


def test_every_mode_and_reason_is_told() -> None:
    assert f"`{'`, `'.join(Mode)}`" in PAGE
    assert {row[0] for row in rows("Which price wins")} >= set(Reason)


def test_the_rates_of_resources_are_those_of_the_cards() -> None:
    listed = {row[0]: (row[1], row[2]) for row in rows("Resources")}
    assert {unit: kind for unit, (kind, _) in listed.items()} == {u: str(kind) for u, kind in UNITS.items()}
    prices = dict.fromkeys(UNITS, "none")
    for card in default_cards():
        (line,) = card.lines
        steps = "".join(f", above {above}: {price}" for above, price in line.steps)
        prices[line.unit] = f"{line.price}{steps}"
    assert {unit: price for unit, (_, price) in listed.items()} == prices


def test_every_method_is_told() -> None:
    assert [row[0] for row in rows("Estimates and anomalies")][: len(Method)] == [
        Method.EXACT,
        Method.HISTORY,
        Method.CHARS_DIV_4,
        Method.TASK_X3,
    ]
