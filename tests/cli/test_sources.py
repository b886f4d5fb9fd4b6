"""Files of usage, read row by row."""

import pytest

from server.cli.sources import (
    AzureTrace,
    BadRow,
    Row,
    azure_instant,
    azure_rows,
    json_rows,
    lines_of,
    operation_id,
)

TRACE = AzureTrace("coder", "gpt-4o", "openai", "coding")
HEADER = b"TIMESTAMP,ContextTokens,GeneratedTokens\n"
LINE = b"2023-11-16 18:17:03.9799600,4808,10\n"


def azure(*lines: bytes) -> list[Row | BadRow]:
    return list(azure_rows([HEADER, *lines], TRACE))


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2023-11-16 18:17:03.9799600", "2023-11-16T18:17:03.979960Z"),
        ("2023-11-16 18:17:03.9799609", "2023-11-16T18:17:03.979960Z"),
        ("2023-11-16 18:17:03.5", "2023-11-16T18:17:03.500000Z"),
        ("2023-11-16 18:17:03", "2023-11-16T18:17:03.000000Z"),
        ("2024-05-10 00:00:00.009930+00:00", "2024-05-10T00:00:00.009930+00:00"),
        ("2024-05-10T00:00:00Z", "2024-05-10T00:00:00.000000Z"),
    ],
)
def test_timestamps_without_an_offset_are_utc(text: str, instant: str) -> None:
    assert azure_instant(text) == instant


@pytest.mark.parametrize("text", ["", "yesterday", "2023-11-16", "16.11.2023 18:17:03", "18:17:03"])
def test_what_is_no_timestamp_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match="is not a timestamp like"):
        azure_instant(text)


def test_a_line_of_a_trace_is_a_usage() -> None:
    assert azure(LINE) == [
        Row(
            2,
            {
                "operation_id": operation_id("azure-llm-trace", 1, LINE.decode().strip()),
                "agent_id": "coder",
                "capability_type": "inference",
                "model_id": "gpt-4o",
                "timestamp": "2023-11-16T18:17:03.979960Z",
                "prompt_tokens": 4808,
                "completion_tokens": 10,
                "provider": "openai",
                "budget_id": "coding",
            },
        )
    ]


def ids(rows: list[Row | BadRow]) -> list[str]:
    return [row.fields["operation_id"] for row in rows if isinstance(row, Row)]


def test_equal_lines_are_different_operations() -> None:
    assert len(set(ids(azure(LINE, LINE, LINE)))) == 3


def test_reading_again_gives_the_same_ids_whatever_the_line_endings() -> None:
    assert ids(azure(LINE, LINE)) == ids(azure(LINE.replace(b"\n", b"\r\n"), LINE.rstrip()))


def test_a_file_that_grew_keeps_its_ids() -> None:
    assert ids(azure(LINE, LINE, LINE))[:2] == ids(azure(LINE, LINE))


def test_another_prefix_makes_other_operations() -> None:
    again = AzureTrace("coder", "gpt-4o", id_prefix="again")
    assert not set(ids(azure(LINE))) & set(ids(list(azure_rows([HEADER, LINE], again))))


def test_a_bad_line_fails_alone() -> None:
    rows = azure(LINE, b"2023-11-16 18:17:03.9,many,10\n", b"2023-11-16,1\n", b"\n", LINE)
    assert [type(row) for row in rows] == [Row, BadRow, BadRow, Row]
    assert [row.line for row in rows] == [2, 3, 4, 6]


def test_a_file_of_another_kind_is_refused_by_its_first_line() -> None:
    (bad,) = azure_rows([b"time,prompt,completion\n", LINE], TRACE)
    assert isinstance(bad, BadRow)
    assert "TIMESTAMP,ContextTokens,GeneratedTokens" in bad.reason


def test_a_line_of_json_is_a_usage_and_gets_an_id_where_it_has_none() -> None:
    rows = list(json_rows([b'{"agent_id": "a"}\n', b"\n", b'{"agent_id": "a", "operation_id": "mine"}\n']))
    assert ids(rows) == [operation_id("jsonl", 1, '{"agent_id": "a"}'), "mine"]


def test_lines_that_are_no_objects_fail_alone() -> None:
    rows = list(json_rows([b"{\n", b"[]\n", b"{}\n"]))
    assert [type(row) for row in rows] == [BadRow, BadRow, Row]


def test_the_bytes_that_were_read_are_told(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("file") / "trace.csv"
    path.write_bytes(HEADER + LINE)
    told: list[int] = []
    with path.open("rb") as file:
        assert list(lines_of(file, told.append)) == [HEADER, LINE]
    assert sum(told) == path.stat().st_size
