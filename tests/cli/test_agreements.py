"""``costgraph agreements``, ``costs``, ``estimate``, ``anomalies``, as processes against running servers."""

import re
from typing import Any

import pytest

from server.cli.agreement_terms import amount_of, discount_of, terms_text
from server.cli.errors import CliError
from tests.cli.test_commands import MISUSED, REFUSED, Shell, line
from tests.support.servers import ServerProcess


@pytest.fixture
def shell(server: ServerProcess) -> Shell:
    return Shell(server)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("big 5% above 0", {"tiers": [{"above": "0", "discountPercent": "5"}]}),
        (
            "big 5% above 1000, 7.5% above 10K of tokens cliff",
            {
                "tiers": [
                    {"above": "1000", "discountPercent": "5"},
                    {"above": "10000", "discountPercent": "7.5"},
                ],
                "measure": "TOKENS",
                "semantics": "CLIFF",
            },
        ),
    ],
)
def test_a_discount_is_said_in_words(text: str, said: dict[str, Any]) -> None:
    assert discount_of(text) == {"termId": "big", **said}
    whole = {"termId": "big", "measure": "SPEND", "semantics": "GRADUATED", **said}
    shown = {"discounts": [whole], "commitments": [{"termId": "c", "amount": "5"}], "credits": []}
    assert terms_text(shown) == [f"discount {text.replace('10K', '10000')}", "commitment c 5"]
    assert amount_of("my credit 12.5") == {"termId": "my credit", "amount": "12.5"}


@pytest.mark.parametrize("text", ["big", "big 5%", "big above 5", "big 5% above 1K,", "big x% above 5"])
def test_a_discount_that_is_none_is_misused(text: str) -> None:
    with pytest.raises(CliError) as caught:
        discount_of(text)
    assert caught.value.exit_code == MISUSED


@pytest.mark.parametrize("text", ["reserved", "500", "reserved x", "reserved -5", "reserved 5%"])
def test_an_amount_that_is_none_is_misused(text: str) -> None:
    with pytest.raises(CliError) as caught:
        amount_of(text)
    assert caught.value.exit_code == MISUSED


def test_months_accrue_and_are_closed_by_agreement(shell: Shell, name: str) -> None:
    budget = f"{name}-budget"
    shell.run("budget", "create", budget)
    at = "2026-10-20T09:00:00Z"
    row = line(name, budget_id=budget, provider_cost="200", timestamp=at)
    shell.run("import", "jsonl", "-", stdin=row)
    said = ("agreements", "set", name, "--budget", budget, "--from", "2026-10")
    put = shell.run(*said, "--discount", "big 10% above 100", "--reason", "agreed")
    heading, term, author = put.splitlines()
    assert heading == f"{name} 1: {budget}, 2026-10 to … (UTC)"
    assert term == "  discount big 10% above 100"
    assert re.fullmatch(r"  by admin, [\d-]+ [\d:]+: agreed", author)
    told = shell.run("costs", budget, "--month", "2026-10")
    assert "  contracted 200 USD" in told
    assert "  billed     190 USD" in told
    closed = shell.json("agreements", "close", name, "--month", "2026-10")
    # The server may have closed it by itself by now.
    assert closed["months"] in (
        [],
        [
            {
                "month": "2026-10",
                "lines": [
                    {
                        "kind": "VOLUME_DISCOUNT",
                        "termId": "big",
                        "effectiveCost": "-10",
                        "billedCost": "-10",
                    }
                ],
            }
        ],
    )
    found = shell.json("costs", budget, "--month", "2026-10")
    assert (found["closed"], found["effectiveCost"], found["listCost"]) == (True, "190", "200")
    assert "Nothing was to be booked." in shell.run("agreements", "close", name, "--month", "2026-10")
    shell.run(*said, "--discount", "big 10% above 100", "--credit", "start 5")
    assert [each["version"] for each in shell.json("agreements", "show", name)] == [2, 1]
    assert "(version 3)" in shell.run("agreements", "withdraw", name, "--reason", "over")
    assert shell.json("agreements", "list", "--budget", budget)[0]["withdrawn"]
    assert "There is no agreement" in shell.run("agreements", "show", f"{name}-none", code=REFUSED)


def test_a_call_is_estimated_and_what_was_wrong_is_listed(shell: Shell, name: str) -> None:
    told = shell.run("estimate", "gpt-4o", "--provider", "openai", "--in", "1000", "--out", "100")
    assert "input: 1,000 tokens (exact)" in told
    assert "cost: 0.003675 USD (0.003675 to 0.003675), of which 0.000175 is the platform's fee of 5 %" in told
    assert (
        shell.json("estimate", "gpt-4o", "--in", "1000", "--out", "100", "--fee", "0")["totalCost"]
        == "0.0035"
    )
    assert "UNKNOWN_MODEL" in shell.run("estimate", f"{name}-model", "--in", "1", "--out", "1", code=REFUSED)
    row = line(name, agent_id=name, provider_cost="1", estimated_cost="0.4")
    shell.run("import", "jsonl", "-", stdin=row)
    (found,) = shell.json("anomalies", "--agent", name)
    assert (found["requestId"], found["severity"], found["differencePercent"]) == (name, "HIGH", "150")
    listed = shell.run("anomalies", "--agent", name, "--severity", "high")
    assert f"high     {name}: 1 instead of 0.4 USD (150 % off)" in listed
    assert shell.json("anomalies", "--agent", name, "--severity", "low") == []
