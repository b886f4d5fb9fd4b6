"""``costgraph prices``, ``quote``, ``explain`` and ``reprice``, as processes against running servers."""

import re
from pathlib import Path
from typing import Any

import pytest

from server.cli.errors import CliError
from server.cli.rate_lines import line_of, line_text
from tests.cli.test_commands import MISUSED, REFUSED, Shell, line
from tests.support.servers import ServerProcess


@pytest.fixture
def shell(server: ServerProcess) -> Shell:
    return Shell(server)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("completion 8 per 1M", {"unit": "completion", "price": "8", "steps": [], "per": 1_000_000}),
        ("* -12.5%", {"unit": "*", "discountPercent": "12.5"}),
        ("egress_gb 0.09", {"unit": "egress_gb", "price": "0.09", "steps": []}),
        (
            "uncached 2 per 1M above 200K 4 cliff by prompt",
            {
                "unit": "uncached",
                "price": "2",
                "per": 1_000_000,
                "steps": [{"above": 200_000, "price": "4"}],
                "semantics": "CLIFF",
                "basis": "PROMPT",
            },
        ),
    ],
)
def test_a_line_is_said_in_words(text: str, said: dict[str, Any]) -> None:
    assert line_of(text) == said
    whole = {"price": None, "per": 1, "discountPercent": None, "steps": [], "semantics": "GRADUATED"}
    assert line_text({**whole, "basis": "CALL", **said}) == text


@pytest.mark.parametrize(
    "text",
    ["completion", "completion dear", "x 1 per", "x 1 above 5", "x 1 love", "* 20%", "* -x%", "x 1 per 1G"],
)
def test_a_line_that_is_none_is_misused(text: str) -> None:
    with pytest.raises(CliError) as caught:
        line_of(text)
    assert caught.value.exit_code == MISUSED


def test_a_contract_is_set_changed_shown_and_withdrawn(shell: Shell, name: str) -> None:
    budget = f"{name}-budget"
    shell.run("budget", "create", budget)
    said = ("prices", "set", name, "--model", "gpt-4o", "--budget", budget, "--provider", "openai")
    shell.run(*said, "--line", "uncached 1 per 1M", "--reason", "agreed")
    shell.run(
        *said, "--line", "uncached 2 per 1M", "--line", "completion -10%", "--from", "2026-01-01T00:00Z"
    )
    shown = shell.run("prices", "show", name)
    heading, first_line, second_line, said, *_ = shown.splitlines()
    assert heading == f"{name} 2: {budget}, openai/gpt-4o, standard, 2026-01-01 to …"
    assert (first_line, second_line) == ("  uncached 2 per 1M (USD)", "  completion -10% (USD)")
    assert re.fullmatch(r"  by admin, [\d-]+ [\d:]+", said)
    assert shown.splitlines()[-1].endswith(": agreed")
    (newest, first) = shell.json("prices", "show", name)
    assert (newest["version"], first["version"], first["reason"]) == (2, 1, "agreed")
    assert [each["cardId"] for each in shell.json("prices", "list", "--budget", budget)] == [name]
    assert f"Withdrew {name} (version 3)." in shell.run("prices", "withdraw", name, "--reason", "over")
    assert shell.json("prices", "show", name)[0]["withdrawn"]


def test_a_quote_and_an_operation_are_explained(shell: Shell, name: str) -> None:
    budget = f"{name}-budget"
    shell.run("budget", "create", budget)
    shell.run("prices", "set", name, "--model", "gpt-4o", "--budget", budget, "--line", "uncached 1 per 1M")
    quoted = shell.run(
        "quote", "gpt-4o", "--provider", "openai", "--in", "1000", "--out", "100", "--budget", budget
    )
    assert "prompt: 1000 uncached at 1 USD per 1,000,000 (list 2.5) = 0.001 [contract" in quoted
    assert "total: 0.002 USD" in quoted
    assert shell.json("quote", "gpt-4o", "--in", "1000")["totalCost"] == "0.0025"
    shell.run("import", "jsonl", "-", stdin=line(name, budget_id=budget))
    told = shell.run("explain", name)
    assert "1. usage: 0.002 USD" in told
    assert f"[contract {name}" in told
    assert "UNKNOWN_MODEL" in shell.run("quote", f"{name}-model", "--in", "5", code=REFUSED)
    assert "There is no operation" in shell.run("explain", f"{name}-nobody", code=REFUSED)
    assert "mode" in shell.run("quote", "gpt-4o", "--mode", "turbo", code=REFUSED)


def test_rates_and_files_are_imported(shell: Shell, name: str, tmp_path: Path) -> None:
    code = f"T{name[1:7].upper()}"
    table = tmp_path / "rates.csv"
    table.write_text(f"Date,{code}\n2026-11-20,2\n2026-11-19,1.9\n", encoding="utf-8")
    assert "2 rates are new, 0 were known." in shell.run("prices", "rates", str(table))
    assert "0 rates are new, 2 were known." in shell.run("prices", "rates", str(table))
    assert "1 rates are new" in shell.run("prices", "rate", "EUR", code, "2.5", "--date", "2026-11-21")
    prices = tmp_path / "prices.json"
    row = f'{{"{name}-model": {{"litellm_provider": "v", "input_cost_per_token": 1e-06}}}}'
    prices.write_text(row, encoding="utf-8")
    assert "holds now" in shell.run("prices", "import", str(prices), "--version", name)
    quoted = shell.json("quote", f"{name}-model", "--provider", "v", "--in", "1000")
    assert (quoted["totalCost"], quoted["priceSource"], quoted["catalogueVersion"]) == (
        "0.001",
        "litellm",
        name,
    )
    prices.write_text("{}", encoding="utf-8")
    assert "no row with a price" in shell.run("prices", "import", str(prices), code=REFUSED)
    assert "No such file" in shell.run("prices", "rates", str(tmp_path / "nowhere.csv"), code=REFUSED)


def test_budgets_are_shown_in_another_currency(shell: Shell, name: str) -> None:
    code, root = f"T{name[1:7].upper()}", f"{name}-root"
    shell.run("budget", "create", root, "--amount", "10", "--currency", "EUR")
    note = f"no rate from EUR to {code} is known"
    assert note in shell.run("status", "--currency", code)
    shell.run("prices", "rate", "EUR", code, "2.5")
    (found,) = [
        each for each in shell.json("status", "--currency", code)["budgets"] if each["budgetId"] == root
    ]
    assert (found["amount"], found["currency"], found["status"]["available"]) == ("25", code, "25")
    shown = shell.run("status", "--currency", code)
    assert f"25.00 {code}" in shown
    assert f"at 2.5 {code} per EUR of " in shown


def test_repricing_is_tried_then_done_then_nothing_is_left(shell: Shell, name: str) -> None:
    budget = f"{name}-budget"
    shell.run("budget", "create", budget)
    rows = (line(f"{name}-{n}", budget_id=budget, timestamp="2026-11-10T00:00:00Z") for n in range(3))
    shell.run("import", "jsonl", "-", stdin="".join(rows))
    shell.run("prices", "set", name, "--model", "gpt-4o", "--budget", budget, "--line", "* -50%")
    said = ("reprice", "--from", "2026-11-01", "--to", "2026-12-01", "--budget", budget)
    tried = shell.run(*said)
    assert re.search(rf"{budget} +3 +\$0\.0105 +\$0\.0053 +-\$0\.0052", tried) or "$0.0105" in tried
    assert "--apply" in tried
    assert shell.json(*said)["counts"] == {"CHANGED": 3}
    done = shell.json(*said, "--apply", "--reason", "half price")
    assert done["differences"] == [
        {
            "budgetId": budget,
            "currency": "USD",
            "operations": 3,
            "before": "0.0105",
            "after": "0.00525",
            "change": "-0.00525",
        }
    ]
    assert shell.json(*said, "--apply")["counts"] == {"SAME": 3}
    shell.run("verify", budget)
    assert "is not an instant" in shell.run("reprice", "--from", "soon", code=MISUSED)
    assert "from must be before to" in shell.run(
        "reprice", "--from", "2026-12-01", "--to", "2026-11-01", code=REFUSED
    )


def test_recorded_usage_is_compared_with_other_models(shell: Shell, name: str) -> None:
    budget = f"{name}-budget"
    shell.run("budget", "create", budget)
    rows = (line(f"{name}-{n}", budget_id=budget, timestamp="2026-11-10T00:00:00Z") for n in range(2))
    shell.run("import", "jsonl", "-", stdin="".join(rows))
    said = ("compare", "openai/gpt-4o-mini", "nobody/new", "--from", "2026-11-01", "--to", "2026-12-01")
    found = shell.json(*said, "--budget", budget)
    assert (found["looked"], found["leftOut"]) == (2, 0)
    assert found["models"]["openai/gpt-4o-mini"] == {
        "operations": 2,
        "unpriced": 0,
        "tokens": 2200,
        "totalCost": "0.00042",
        "charged": "0.007",
        "savings": "0.00658",
    }
    assert found["models"]["nobody/new"]["unpriced"] == 2
    shown = shell.run(*said, "--budget", budget)
    assert re.search(r"openai/gpt-4o-mini +2 +0 +\$0\.0004 +\$0\.0070 +\$0\.0066 +94\.0 %", shown)
    assert "is not like openai/gpt-4o-mini" in shell.run(
        "compare", "gpt", "--from", "2026-11-01", code=MISUSED
    )
