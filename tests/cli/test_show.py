"""Money, bars and trees as they are printed."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.cli.demo import sparkline
from server.cli.show import bar, branches, money, utilization
from server.cli.trees import arrange


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("1234.5", "USD", "$1,234.5000"),
        ("0", "USD", "$0.0000"),
        ("0.00123", "USD", "$0.0012"),
        ("-3.1", "USD", "-$3.1000"),
        ("12", "EUR", "€12.0000"),
        ("12", "USDC", "12.0000 USDC"),
        (None, "USD", "-"),
    ],
)
def test_costs_have_their_sign_and_four_places(amount: str | None, currency: str, text: str) -> None:
    assert money(amount, currency) == text


@given(st.floats(-1, 3), st.integers(1, 40))
def test_a_bar_keeps_its_width(fraction: float, width: int) -> None:
    assert len(bar(fraction, width)) == width


def test_a_bar_fills_in_eighths() -> None:
    assert [bar(fraction, 2).rstrip() for fraction in (0, 1 / 16, 0.5, 0.75, 1, 7)] == [
        "",
        "▏",
        "█",
        "█▌",
        "██",
        "██",
    ]


def test_a_percentage_is_rounded_down() -> None:
    assert utilization(0.79999, "OK").plain.endswith("  79.9 %")
    assert utilization(0.8, "WARNING").plain.endswith("  80.0 %")


def test_branches_lead_to_their_nodes() -> None:
    assert branches([0, 1, 2, 2, 1, 2, 0, 1]) == ["", "├─ ", "│  ├─ ", "│  └─ ", "└─ ", "   └─ ", "", "└─ "]


def budget(name: str, parent: str | None = None) -> dict[str, Any]:
    return {"budgetId": name, "parent": {"budgetId": parent} if parent else None}


def test_budgets_are_arranged_parents_first() -> None:
    found = arrange(
        [budget("c", "b"), budget("b", "a"), budget("d", "a"), budget("a"), budget("x", "unseen")]
    )
    assert [(depth, each["budgetId"]) for depth, each in found] == [
        (0, "a"),
        (1, "b"),
        (2, "c"),
        (1, "d"),
        (0, "x"),
    ]


def test_a_subtree_is_arranged_from_its_top() -> None:
    found = arrange([budget("a"), budget("b", "a"), budget("c", "b")], "b")
    assert [(depth, each["budgetId"]) for depth, each in found] == [(0, "b"), (1, "c")]


def test_the_largest_value_is_the_highest_spark() -> None:
    assert sparkline([Decimal(0), Decimal(1), Decimal(2)]) == "▁▅█"
    assert sparkline([Decimal(0)]) == ""
