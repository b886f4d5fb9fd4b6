"""The Python of docs/evolution.md, as a reader would run it; and its table of selectors."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from evolution.runner import Stop
from evolution.selectors.registry import SELECTORS
from tests.support.experiment_ledger import BankLedger, JsonLog, bank

PAGE = (Path(__file__).parents[2] / "docs" / "evolution.md").read_text(encoding="utf-8")
SCORING, RUNNING = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_scoring_and_selecting_work_as_shown(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    exec(compile(SCORING, "docs/evolution.md", "exec"), names)  # noqa: S102 - it is our own page
    assert names["selection"].chosen == ("child",)
    assert dict(names["selection"].excluded) == {"other": "UNKNOWN_COST"}
    assert capsys.readouterr().out.count("\n") == 3


def test_running_works_as_shown() -> None:
    with bank(100_000_000) as made:
        names: dict[str, Any] = {"ledger": BankLedger(made), "log": JsonLog()}
        exec(compile(RUNNING, "docs/evolution.md", "exec"), names)  # noqa: S102 - as above
        report = asyncio.run(names["main"]())
        assert made.figures() == (report.spent_nano, 0)
    assert report.stop in Stop
    assert 0 < report.spent_nano <= 100_000_000


def test_every_selector_is_in_the_table() -> None:
    listed = re.findall(r"^\| `(\w+)` \| `(\w+)\(", PAGE, re.MULTILINE)
    assert dict(listed) == {name: kind.__name__ for name, kind in SELECTORS.items()}
