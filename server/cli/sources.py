"""Files of usage, read row by row: each row becomes the words of ``POST /v1/usage``, or a refusal.

**Operation ids are made from the file's content**: the number of the row and its text, nothing else. So an
import that was interrupted can simply be run again: rows that are already recorded answer as duplicates.
Appending to a file keeps the ids of what was there; the file's name and the time of the import do not matter.
A file that is imported a second time for another agent, model or budget is the same operations with other
content, and refused as such: give such an import an ``--id-prefix`` of its own.
"""

import re
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, BinaryIO, cast

import orjson

AZURE_COLUMNS = "TIMESTAMP,ContextTokens,GeneratedTokens"
DIGEST_BYTES = 16
LINE_BYTES_MAX = 1 << 20
_AZURE_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:?\d\d)?")


@dataclass(frozen=True, slots=True)
class Row:
    """One usage to record, from that line of the file."""

    line: int
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A line that is no usage."""

    line: int
    reason: str


Rows = Generator[Row | BadRow]


@dataclass(frozen=True, slots=True)
class AzureTrace:
    """What a trace does not say about its calls."""

    agent: str
    model: str
    provider: str | None = None
    budget: str | None = None
    capability: str = "inference"
    id_prefix: str = "azure-llm-trace"


def operation_id(prefix: str, number: int, content: str) -> str:
    """The id of the row with that number (from 1) and text: ``prefix:digest``."""
    digest = blake2b(f"{number}:{content}".encode(), digest_size=DIGEST_BYTES).hexdigest()
    return f"{prefix}:{digest}"


def azure_instant(text: str) -> str:
    """A trace's timestamp in ISO 8601: six of its seven decimals are kept, and no offset means UTC."""
    match = _AZURE_INSTANT.fullmatch(text.strip())
    if match is None:
        message = f"{text[:40]!r} is not a timestamp like 2023-11-16 18:17:03.9799600"
        raise ValueError(message)
    day, clock, fraction, offset = match.groups()
    return f"{day}T{clock}.{(fraction or '0')[:6].ljust(6, '0')}{offset or 'Z'}"


def azure_rows(lines: Iterable[bytes], trace: AzureTrace) -> Rows:
    """The calls of an Azure LLM inference trace (``TIMESTAMP,ContextTokens,GeneratedTokens``)."""
    for number, text in enumerate(_texts(lines)):
        line = number + 1
        if number == 0:
            if text.lstrip("\ufeff").replace(" ", "") != AZURE_COLUMNS:
                yield BadRow(line, f"the first line must be {AZURE_COLUMNS}")
                return
            continue
        if not text:
            continue
        try:
            instant, prompt, completion = text.split(",")
            yield Row(
                line,
                {
                    "operation_id": operation_id(trace.id_prefix, number, text),
                    "agent_id": trace.agent,
                    "capability_type": trace.capability,
                    "model_id": trace.model,
                    "timestamp": azure_instant(instant),
                    "prompt_tokens": int(prompt),
                    "completion_tokens": int(completion),
                    **({} if trace.provider is None else {"provider": trace.provider}),
                    **({} if trace.budget is None else {"budget_id": trace.budget}),
                },
            )
        except ValueError as error:
            yield BadRow(line, str(error))


def json_rows(lines: Iterable[bytes], id_prefix: str = "jsonl") -> Rows:
    """A JSON object per line, in the words of ``POST /v1/usage``; ``operation_id`` may be left out."""
    for line, text in enumerate(_texts(lines), 1):
        if not text:
            continue
        try:
            fields = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            yield BadRow(line, f"not JSON: {error}")
            continue
        if not isinstance(fields, dict):
            yield BadRow(line, "not a JSON object")
            continue
        given = cast("dict[str, Any]", fields)
        yield Row(line, {"operation_id": operation_id(id_prefix, line, text), **given})


def lines_of(file: BinaryIO, read: Callable[[int], None]) -> Generator[bytes]:
    """The lines of a file; ``read`` is told how many bytes each took. Overlong lines come in pieces."""
    while line := file.readline(LINE_BYTES_MAX):
        read(len(line))
        yield line


def _texts(lines: Iterable[bytes]) -> Generator[str]:
    for line in lines:
        yield line.decode("utf-8", errors="replace").strip("\r\n")
