"""docs/errors: a page for every code, and what its exchanges show is what a real server answers."""

import json
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from ledger.results import BudgetExceeded, PriceUnknown, StreamShrank, Throttled
from server.errors import STATUS_OF_CODE, Problem
from tests.server.test_doors import new_key
from tests.support.servers import Client

FOLDER = Path(__file__).parents[2] / "docs" / "errors"
INDEX = FOLDER / "README.md"
PAGES = {page.stem: page.read_text(encoding="utf-8") for page in FOLDER.glob("*.md") if page != INDEX}
REFUSALS = {each.code for each in (BudgetExceeded, PriceUnknown, StreamShrank, Throttled)}
SOMETHING = "…"
"""What a page shows in place of what differs each time; as a name, of all that it leaves out."""
OF_THE_SERVER = {
    "UNAVAILABLE": Problem(503, "UNAVAILABLE", SOMETHING, retry_after_seconds=1),
    "INTERNAL": Problem(500, "INTERNAL", SOMETHING, reference=SOMETHING),
}
"""What no request brings about: its page shows an answer alone."""


def parts(page: str) -> Iterator[tuple[str, str]]:
    yield from re.findall(r"^```(http|graphql|json)\n(.*?)\n```$", page, re.MULTILINE | re.DOTALL)


def head_of(text: str) -> tuple[str, dict[str, str], Any]:
    """The first line, the headers and the body of a request or an answer."""
    head, _, body = text.partition("\n\n")
    first, *headers = head.splitlines()
    return first, dict(each.split(": ", 1) for each in headers), json.loads(body) if body else None


def assert_as_shown(shown: Any, answered: Any) -> None:
    """The same, but for what differs each time, or is left out."""
    if isinstance(shown, dict):
        names = set(shown) - {SOMETHING}
        assert names == set(answered) or (SOMETHING in shown and names < set(answered))
        for name in names:
            assert_as_shown(shown[name], answered[name])
    elif isinstance(shown, list):
        assert len(shown) == len(answered)
        for mine, theirs in zip(shown, answered, strict=True):
            assert_as_shown(mine, theirs)
    elif isinstance(shown, str) and SOMETHING in shown:
        assert re.fullmatch(re.escape(shown).replace(SOMETHING, ".+"), str(answered))
    else:
        assert shown == answered


class Reader:
    """Who sends what a page shows, in its order."""

    def __init__(self, client: Client, viewer_key: str) -> None:
        self.client = client
        self.words = {"VIEWER_KEY": viewer_key}

    def exchange(self, text: str) -> str:
        """Send a request, compare the answer; its code."""
        asked, answer = text.split("\n\nHTTP/1.1 ")
        line, headers, body = head_of(asked)
        for word, value in self.words.items():
            line = line.replace(word, value)
            headers = {name: each.replace(word, value) for name, each in headers.items()}
        method, path = line.split()
        got = self.client.request(method, path, json=body, headers=headers)
        status, told, shown = head_of(answer)
        assert got.status_code == int(status), got.text
        assert set(told) == set(told) & {name.title() for name in got.headers}
        assert_as_shown(shown, got.json())
        if "reservation_id" in got.json():
            self.words["RESERVATION"] = got.json()["reservation_id"]
        return got.json().get("code", "")

    def operation(self, query: str, shown: str | None) -> str:
        """The same of a GraphQL operation, which succeeds where no answer is shown."""
        if shown is None:
            self.client.data(query)
            return ""
        answer = self.client.ask(query)
        for error in answer["errors"]:
            error.pop("locations", None)
        assert_as_shown(json.loads(shown), answer)
        return answer["errors"][0]["extensions"]["code"]

    def read(self, page: str) -> str:
        """All of a page; the code that its last exchange ends with."""
        code, blocks = "", list(parts(page))
        for at, (language, text) in enumerate(blocks):
            if language == "http":
                code = self.exchange(text)
            elif language == "graphql":
                answer = blocks[at + 1] if at + 1 < len(blocks) else ("", "")
                code = self.operation(text, answer[1] if answer[0] == "json" else None)
        return code


def test_every_code_has_its_page_and_no_other_is_told() -> None:
    assert set(PAGES) == set(STATUS_OF_CODE) | REFUSALS
    index = INDEX.read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[(\w+)\]\((\w+)\.md\) \| (\d+)", index, re.MULTILINE)
    assert {code for code, _, _ in listed} == set(PAGES)
    assert all(code == page for code, page, _ in listed)
    told = {code: int(status) for code, _, status in listed}
    assert {code: told[code] for code in STATUS_OF_CODE} == dict(STATUS_OF_CODE)
    for code, text in PAGES.items():
        assert text.startswith(f"# {code}\n\n**{told[code]}")


@pytest.mark.parametrize("code", sorted(set(PAGES) - set(OF_THE_SERVER)))
def test_what_a_page_shows_is_what_is_answered(client: Client, code: str) -> None:
    assert Reader(client, new_key(client, role="VIEWER")).read(PAGES[code]) == code


@pytest.mark.parametrize("code", sorted(OF_THE_SERVER))
def test_what_no_request_brings_about_is_shown_as_it_is_written(code: str) -> None:
    problem = OF_THE_SERVER[code]
    ((_, text),) = parts(PAGES[code])
    line, headers, shown = head_of(text)
    assert line == f"HTTP/1.1 {problem.status}"
    assert headers == problem.headers
    written = json.loads(bytes(problem.response().body))
    assert list(shown) == list(written)
    assert (shown["title"], shown["code"]) == (HTTPStatus(problem.status).phrase, code)
