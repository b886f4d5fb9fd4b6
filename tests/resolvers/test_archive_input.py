"""What can be asked of the archive."""

from pathlib import Path

import pytest

from graph.database import Database
from tests.support.archiving import open_world


@pytest.mark.parametrize(
    ("said", "field"),
    [({"olderThanDays": 34}, "olderThanDays"), ({"olderThanDays": 35, "first": 0}, "first")],
)
def test_what_cannot_be_is_invalid(
    database: Database, tenant: str, tmp_path: Path, said: dict[str, int], field: str
) -> None:
    text = "mutation($input: ArchiveUsageInput!) { archiveUsage(input: $input) { looked } }"
    with open_world(database, tenant, tmp_path / "archive") as bare:
        answer = bare.admin.ask(text, input=said)
    assert (answer.code, answer.field) == ("INVALID", field)
