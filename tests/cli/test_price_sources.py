"""Price sources of a real server, by its commands: https, on a schedule, failures in status and metrics."""

import json
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.test_commands import MISUSED, REFUSED, Shell
from tests.support.outside import Outside, certificate, outside, saying, tagged
from tests.support.price_documents import MODEL, model, price_list
from tests.support.rate_tables import table, zipped
from tests.support.servers import ServerProcess, eventually, on_engine

PATH = "/prices.json"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[Outside, Path]]:
    """A source that speaks https, and the certificate that a server must trust for it."""
    key, chain = certificate(tmp_path_factory.mktemp("tls"))
    with outside((key, chain)) as running:
        running.answers[PATH] = tagged(price_list(), '"one"')
        yield running, chain


@pytest.fixture(scope="module")
def server(
    source: tuple[Outside, Path], tmp_path_factory: pytest.TempPathFactory
) -> Generator[ServerProcess]:
    folder = tmp_path_factory.mktemp("sources")
    (folder / "prices").mkdir()
    settings = {
        **on_engine(folder / "data"),
        "SSL_CERT_FILE": str(source[1]),
        "COSTGRAPH_OUTBOUND_NETWORKS": "127.0.0.0/8",
        "COSTGRAPH_PRICE_FILES_DIR": str(folder / "prices"),
    }
    with ServerProcess(settings) as running:
        yield running


@pytest.fixture
def shell(server: ServerProcess) -> Shell:
    return Shell(server)


def metric(server: ServerProcess, name: str) -> float:
    text = httpx.get(f"{server.url}/metrics", trust_env=False).text
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return 0.0 if found is None else float(found[1])


def cost(shell: Shell) -> Any:
    return shell.json("quote", MODEL, "--provider", "acme", "--in", "1000000")["totalCost"]


def test_a_source_is_read_on_its_own_fails_jumps_and_is_approved(
    shell: Shell, server: ServerProcess, source: tuple[Outside, Path]
) -> None:
    outside_, _ = source
    location = f"https://localhost:{outside_.port}{PATH}"
    said = ("prices", "source", "acme", "--kind", "price_list", "--location", location)
    shell.run(*said, "--every", "60", "--timeout", "5")
    eventually(lambda: shell.json("prices", "sources")[0]["refreshes"] != [])
    shown = shell.run("prices", "sources")
    assert f"acme: price_list from {location}, every 60 s" in shown
    assert "updated: 1 accepted, 0 held, 0 kept, 0 left out" in shown
    assert cost(shell) == "2"
    assert "unchanged" in shell.run("prices", "refresh", "acme")

    outside_.answers[PATH] = saying(b"{", "200 OK")
    assert "failed (DATA): the price list is not JSON" in shell.run("prices", "refresh", "acme", code=REFUSED)
    assert "1 failures in a row" in shell.run("prices", "sources")
    assert metric(server, "costgraph_price_sources_failing") == 1
    assert metric(server, 'costgraph_price_refreshes_total{kind="price_list",outcome="failed"}') == 1

    outside_.answers[PATH] = saying(price_list(model("200")))
    assert "1 held" in shell.run("prices", "refresh", "acme")
    assert metric(server, "costgraph_prices_held") == 1
    (held,) = shell.json("prices", "held", "--source", "acme")
    assert "uncached: 2 to 200 per 1M (rose)" in shell.run("prices", "held")
    assert cost(shell) == "2"
    assert "approved" in shell.run("prices", "approve", held["heldId"], "--reason", "looked")
    assert cost(shell) == "200"
    assert shell.run("prices", "held") == ""

    outside_.answers[PATH] = saying(price_list(model("2")))
    shell.run("prices", "refresh", "acme")
    assert "rejected" in shell.run("prices", "reject", "--all-of", "acme")
    assert cost(shell) == "200"
    assert "Forgot acme" in shell.run("prices", "forget", "acme")
    assert shell.run("prices", "sources") == ""
    assert cost(shell) == "200"


def test_a_file_of_the_folder_is_a_source(shell: Shell, server: ServerProcess) -> None:
    file = Path(server.settings["COSTGRAPH_PRICE_FILES_DIR"]) / "own.json"
    file.write_bytes(price_list(model("5", name="own"), provider="ourselves"))
    shell.run(
        "prices", "source", "own", "--kind", "price_list", "--location", "file:own.json", "--every", "0"
    )
    assert "1 accepted" in shell.run("prices", "refresh", "own")
    (card,) = [each for each in shell.json("prices", "list") if each["model"] == "own"]
    assert (card["author"], card["provider"]) == ("source:own", "ourselves")
    shell.run("prices", "forget", "own")


def test_exchange_rates_are_a_source(shell: Shell, server: ServerProcess) -> None:
    file = Path(server.settings["COSTGRAPH_PRICE_FILES_DIR"]) / "rates.zip"
    file.write_bytes(zipped(table("20 November 2026, 1.25, 160")))
    shell.run("prices", "source", "bank", "--kind", "ecb", "--location", "file:rates.zip", "--every", "0")
    assert "updated: 2 accepted, 0 held" in shell.run("prices", "refresh", "bank")
    assert metric(server, 'costgraph_price_refreshes_total{kind="ecb",outcome="updated"}') == 1
    file.write_bytes(zipped(table("23 November 2026, 125, 161")))
    assert "updated: 1 accepted, 1 held" in shell.run("prices", "refresh", "bank")
    assert "EUR: 1250000 to 125000000 per 1M (rose)" in shell.run("prices", "held", "--source", "bank")
    assert "rejected" in shell.run("prices", "reject", "--all-of", "bank", "--reason", "a misplaced point")
    shell.run("prices", "forget", "bank")


def test_what_cannot_be_is_told(shell: Shell) -> None:
    said = ("prices", "source", "bad", "--kind", "price_list", "--location")
    assert "must begin with https://" in shell.run(*said, "http://prices.example/", code=REFUSED)
    assert "10.0.0.1 is not a public address" in shell.run(*said, "https://10.0.0.1/", code=REFUSED)
    assert "There is no price source" in shell.run("prices", "refresh", "nobody", code=REFUSED)
    assert "--all-of" in shell.run("prices", "approve", code=MISUSED)
    aws = ("prices", "source", "aws", "--kind", "aws_bedrock", "--location", "file:a.json")
    assert "--model is like" in shell.run(*aws, "--model", "Nova Pro", code=MISUSED)
    assert json.loads(shell.run("prices", "sources", "--json")) == []


def test_the_worker_is_one_that_readiness_names(server: ServerProcess) -> None:
    checks = httpx.get(f"{server.url}/readyz", trust_env=False).json()["checks"]
    assert checks["refresher"] is True
