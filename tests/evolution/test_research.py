"""The example of docs/research.md runs on the real data, and the page's own snippets are true."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from evolution.archives.tables import AGENT, EVALUATION, read_jsonl
from tests.evolution.data import BESIDE, MAST, aider, beside, mast

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "research.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    for name in ("aider_polyglot_leaderboard.yml", *MAST):
        beside(name)
    out = tmp_path_factory.mktemp("example")
    script = ROOT / "scripts" / "research_example.py"
    run = subprocess.run(
        [sys.executable, script, "--data", BESIDE, "--out", out],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout, out


def found_in(example: tuple[str, Path]) -> dict[str, Any]:
    return json.loads((example[1] / "example.json").read_text(encoding="utf-8"))


def test_the_leaderboard_keeps_unknown_costs_off_the_frontier(example: tuple[str, Path]) -> None:
    said, _ = example
    unknown = sum(cost is None for _, cost, _, _ in aider())
    assert f"51 configurations with a cost, {unknown} without" in said
    figure = found_in(example)["figures"]["leaderboard"]
    assert {each["reason"] for each in figure["unplaced"]} == {"UNKNOWN_COST"}
    # Nobody on the hull is dearer and worse than another of it.
    hull = sorted((each["mean_cost"], each["effectiveness"]) for each in figure["points"] if each["on_hull"])
    assert hull == sorted(hull, key=lambda pair: pair[1])


@pytest.mark.parametrize("name", MAST)
def test_a_run_is_told_with_what_is_not_known_of_it(example: tuple[str, Path], name: str) -> None:
    (run,) = [each for each in found_in(example)["runs"] if f"{each['run']}.csv" == name]
    nodes, rows = mast(name)
    assert run["agents"] == len(nodes)
    best = max(each.score or 0 for each in rows)
    assert run["bestScore"] == best
    assert 0 < float(run["costToDiscoverBest"]) <= float(run["spent"])
    assert run["unknownCosts"] > 0
    assert run["price"]
    for each in run["price"].values():
        assert each["change"] == pytest.approx(each["selection"] + each["transmission"], abs=1e-9)


def test_the_example_draws_its_pictures(example: tuple[str, Path]) -> None:
    drawn = sorted(path.name for path in example[1].glob("*.png"))
    stems = [name.removesuffix(".csv") for name in MAST]
    wanted = [*(f"{stem}-{kind}" for stem in stems for kind in ("lineage", "spend")), "leaderboard"]
    assert drawn == sorted(f"{name}.png" for name in wanted)


def test_the_lines_that_the_page_shows_can_be_read() -> None:
    lines = re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[0]
    archive = read_jsonl(lines.splitlines())
    assert archive.experiment is not None
    assert archive.experiment.c0_nano == 20_000_000
    assert [len(archive.nodes), len(archive.evaluations)] == [2, 2]


def test_the_page_names_every_field() -> None:
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| (?:both|agent|evaluation) \|", PAGE, re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert listed == {*AGENT, *EVALUATION}
