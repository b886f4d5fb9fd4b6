"""The query page: its headers, its files, and the page itself in a browser."""

import shutil
from collections.abc import Generator
from typing import TYPE_CHECKING

import httpx
import pytest

from server.page import FOLDER, MEDIA_TYPES
from tests.support.servers import Client, ServerProcess

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = shutil.which("chromium")
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.mark.parametrize("path", ["/graphql", *(f"/pages/{each.name}" for each in sorted(FOLDER.iterdir()))])
def test_files_come_without_a_key_and_with_a_strict_policy(server: ServerProcess, path: str) -> None:
    answer = httpx.get(server.url + path, trust_env=False)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    again = httpx.get(server.url + path, headers={"if-none-match": answer.headers["etag"]}, trust_env=False)
    assert (again.status_code, again.content) == (304, b"")


def test_nothing_comes_from_elsewhere() -> None:
    for path in FOLDER.iterdir():
        assert path.suffix in MEDIA_TYPES
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text
        assert "https://" not in text
        assert "localStorage" not in text
        assert "sessionStorage" not in text
        assert "innerHTML" not in text


@pytest.fixture
def page(server: ServerProcess) -> Generator["Page"]:
    if CHROMIUM is None:
        pytest.skip("the query page in a browser: needs chromium (on Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where a browser is

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        page = browser.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text))
        page.goto(f"{server.url}/graphql")
        yield page
        browser.close()
        expected = ("401 (Unauthorized)", "Password field is not contained in a form")
        assert not [each for each in problems if not any(known in each for known in expected)]


def test_a_query_runs_with_ctrl_enter_and_tells_its_time(page: "Page", server: ServerProcess) -> None:
    page.fill("#key", server.admin_key)
    page.fill("#query", "{ ledgerCheck { ok } }")
    page.press("#query", "Control+Enter")
    page.wait_for_selector("#result .name")
    assert "ledgerCheck" in page.inner_text("#result")
    assert page.inner_text("#status").startswith("200 · ")
    assert " ms · " in page.inner_text("#status")


def test_examples_load_with_their_variables(page: "Page", server: ServerProcess) -> None:
    page.select_option("#examples", label="Create a budget")
    assert "createBudget" in page.input_value("#query")
    assert "my-first-budget" in page.input_value("#variables")


def test_the_schema_is_searched_and_tried(page: "Page", server: ServerProcess) -> None:
    page.fill("#key", server.admin_key)
    page.press("#key", "Tab")
    page.wait_for_selector("#docs-body .field")
    page.fill("#search", "moveB")
    page.click("#docs-body .link >> text=Mutation.moveBudget")
    page.locator(".field", has_text="moveBudget(").locator(".try").click()
    assert page.input_value("#query").startswith("mutation MoveBudget($budgetId: ID!)")
    assert '"budgetId": ""' in page.input_value("#variables")


def test_a_wrong_key_is_told_and_kept_nowhere(page: "Page", server: ServerProcess) -> None:
    page.fill("#key", "wrong")
    page.press("#key", "Tab")
    page.wait_for_selector("#key.needed")
    assert "unknown or revoked" in page.inner_text("#status")
    assert page.context.cookies() == []
    page.reload()
    assert page.input_value("#key") == ""


def test_what_comes_back_is_text_and_never_markup(page: "Page", server: ServerProcess, name: str) -> None:
    evil = f"<img src=x onerror=alert(1)>{name}"
    with server.client() as client:
        assert _record(client, evil) == 201
    page.fill("#key", server.admin_key)
    page.fill("#query", "query($id: ID!) { agent(agentId: $id) { agentId } }")
    page.fill("#variables", f'{{"id": "{evil}"}}')
    page.click("#run")
    page.wait_for_selector("#result .name")
    assert evil in page.inner_text("#result")
    assert page.locator("#result img").count() == 0


def _record(client: Client, agent_id: str) -> int:
    row = {
        "operation_id": agent_id,
        "agent_id": agent_id,
        "capability_type": "chat",
        "outcome": "ERROR",
    }
    return client.post("/v1/usage", json=row).status_code
