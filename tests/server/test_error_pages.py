"""docs/errors.md against the codes that exist."""

import re
from pathlib import Path

from ledger.results import BudgetExceeded, PriceUnknown, StreamShrank, Throttled
from server.errors import STATUS_OF_CODE

PAGE = (Path(__file__).parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")
REFUSALS = {each.code for each in (BudgetExceeded, PriceUnknown, StreamShrank, Throttled)}
SECTIONS = dict(re.findall(r"^## (\w+)\n\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def test_every_code_has_its_section_and_no_other_is_told() -> None:
    assert set(SECTIONS) == set(STATUS_OF_CODE) | REFUSALS


def test_each_begins_with_its_status() -> None:
    told = {code: int(text.split()[0].rstrip(".,")) for code, text in SECTIONS.items()}
    assert {code: told[code] for code in STATUS_OF_CODE} == dict(STATUS_OF_CODE)
