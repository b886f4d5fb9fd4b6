"""``costgraph evolve`` without the service: files in, tables, JSON and pictures out."""

import contextlib
import json
import sqlite3
from pathlib import Path

import pytest

from evolution.archives.tables import read_jsonl
from evolution.codec import from_json
from evolution.prompts import DIRECTIVES
from evolution.records import Operator, Role
from evolution.selections import Selection, replay
from evolution.selectors.registry import SELECTORS
from server.cli.errors import MISUSED, REFUSED
from tests.evolution.data import MAST, beside
from tests.support.evolve_cli import LINES, as_json, evolve


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "lineage.jsonl"
    path.write_text(LINES.lstrip(), encoding="utf-8")
    return path


def test_scores_are_shown_with_what_is_unknown(study: Path) -> None:
    shown = evolve("score", "--file", study)
    assert "demo · 3 agents · 7 evaluations · one success may cost $0.0270" in shown
    assert "1 parents are named and not in it" in shown
    (other,) = [line for line in shown.splitlines() if line.startswith("other")]
    assert " ? " in other
    assert other.rstrip().endswith("*")
    (child,) = [line for line in shown.splitlines() if line.startswith("child")]
    assert "$0.0050" in child
    found = {each["agentId"]: each for each in as_json("score", "--file", study)["fitness"]}
    assert found["child"]["costEfficiency"] == pytest.approx(27 / 32)
    assert found["child"]["costOfPass"] == "0.005"
    assert found["seed"]["costEfficiency"] == pytest.approx(0.5)
    assert (found["other"]["costEfficiency"], found["other"]["costOfPass"]) == (None, None)
    assert found["other"]["incomplete"]


def test_scoring_follows_its_options(study: Path) -> None:
    plain = as_json("score", "--file", study, "--reference-price", "0.005")
    assert plain["referencePrice"] == "0.005"
    (child,) = [each for each in plain["fitness"] if each["agentId"] == "child"]
    assert child["costEfficiency"] == pytest.approx(0.5)
    weighed = as_json(
        "score", "--file", study, "--weight", "effectiveness=0", "--weight", "efficiency=0", "--sort", "agent"
    )
    assert [each["agentId"] for each in weighed["fitness"]] == ["child", "other", "seed"]
    assert weighed["fitness"][0]["fitness"] == weighed["fitness"][0]["costEfficiency"]
    stable = as_json("score", "--file", study, "--stability")["stability"]
    assert len(stable) == 6
    by_price = as_json("score", "--file", study, "--sort", "cost_of_pass")["fitness"]
    assert [each["agentId"] for each in by_price] == ["child", "seed", "other"]


def test_the_frontier_is_listed_and_drawn(study: Path, tmp_path: Path) -> None:
    picture = tmp_path / "frontier.svg"
    shown = evolve("frontier", "--file", study, "--all", "--plot", picture)
    marks = {line.split()[0]: line.split()[-1] for line in shown.splitlines() if "$" in line}
    assert marks == {"child": "hull", "seed": "dominated"}
    assert "1 agents have no place" in shown
    assert picture.read_bytes().lstrip().startswith(b"<?xml")
    figure = as_json("frontier", "--file", study)["frontier"]
    assert [each["agent_id"] for each in figure["points"] if each["on_frontier"]] == ["child"]
    assert figure["unplaced"] == [{"agent_id": "other", "effectiveness": 1.0, "reason": "UNKNOWN_COST"}]
    assert ".png or .svg" in evolve("frontier", "--file", study, "--plot", tmp_path / "x.gif", code=MISUSED)


def test_a_selection_can_be_made_again_from_what_is_printed(study: Path) -> None:
    printed = as_json("select", "--file", study, "--selector", "nsga2", "-k", 1, "--seed", 3)["selection"]
    made = from_json(Selection, printed)
    assert made.chosen == ("child",)
    assert dict(made.excluded) == {"other": "UNKNOWN_COST"}
    assert replay(made) == made
    assert "1 left out: UNKNOWN_COST" in evolve("select", "--file", study, "--selector", "nsga2")
    drawn = ("select", "--file", study, "--selector", "tournament", "--parameter", "size=2", "--replace")
    assert len(as_json(*drawn, "-k", 5)["selection"]["chosen"]) == 5


def test_every_selector_can_be_asked_for(study: Path) -> None:
    said = {"within_budget": ["--parameter", "budget_nano=1000000000"]}
    for name in SELECTORS:
        found = as_json("select", "--file", study, "--selector", name, "-k", 1, *said.get(name, []))
        assert found["selection"]["chosen"], name


def test_a_budget_buys_the_most_fitness(study: Path) -> None:
    found = as_json("select", "--file", study, "--budget", "0.06", "--ahead", 10)["selection"]
    assert found["chosen"] == ["child"]
    assert (found["cost_nano"], found["exact"]) == (50_000_000, True)
    assert found["left_out"] == {"other": "UNKNOWN_COST", "seed": "OVER_BUDGET"}
    refused = evolve("select", "--file", study, "--budget", "0.01", "--must", "child", code=REFUSED)
    assert "mandatory" in refused


def test_a_report_is_a_folder(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    evolve("report", "--file", study, "--out", out)
    assert {path.name for path in out.iterdir()} == {
        "report.json",
        "report.md",
        "frontier.png",
        "lineage.png",
        "spend.png",
    }
    found = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert found["clades"]["tree_cost_nano"] == 537_000_000
    assert found["figures"]["spend"]["generations"][1]["build_nano"] == 500_000_000
    assert "0.537 USD, beside 2 costs that nobody knows" in (out / "report.md").read_text(encoding="utf-8")
    assert as_json("report", "--file", study) == found
    evolve("report", "--file", study, "--out", tmp_path / "bare", "--no-plots")
    assert {path.name for path in (tmp_path / "bare").iterdir()} == {"report.json", "report.md"}


@pytest.mark.parametrize("name", MAST)
def test_a_mast_run_becomes_our_lines_and_a_report(name: str, tmp_path: Path) -> None:
    lines = tmp_path / "run.jsonl"
    rates = ("--prompt-rate", "2.50", "--completion-rate", "10", "--charge", "evaluate")
    said = as_json("import", beside(name), "--to", lines, *rates, "--reference-price", "1")
    archive = read_jsonl(lines.read_text(encoding="utf-8").splitlines())
    assert (said["agents"], said["evaluations"]) == (len(archive.nodes), len(archive.evaluations))
    found = as_json("report", "--file", lines)
    assert found["referencePrice"] == "1"
    assert len(found["fitness"]) == said["agents"]
    # Without rates nothing is priced: scored all the same, and said.
    bare = as_json("score", "--file", beside(name))
    assert bare["referencePrice"] is None
    assert any("no evaluation has a known cost" in note for note in bare["notes"])
    assert all(each["costEfficiency"] is None for each in bare["fitness"])


def test_what_shinka_wrote_is_read_from_its_database(tmp_path: Path) -> None:
    path = tmp_path / "evolution_db.sqlite"
    script = Path(__file__).parents[1] / "data" / "shinka" / "programs.sql"
    with contextlib.closing(sqlite3.connect(path)) as made:
        made.executescript(script.read_text(encoding="utf-8"))
    found = evolve("import", path, "--to", tmp_path / "shinka.jsonl")
    assert "6 agents and 10 evaluations" in found
    assert "1 crossovers name one parent only" in found
    archive = read_jsonl((tmp_path / "shinka.jsonl").read_text(encoding="utf-8").splitlines())
    nodes = {each.agent_id: each for each in archive.nodes}
    (copy,) = set(nodes) - {"first", "better", "broken", "crossed", "subscribed"}
    assert (nodes[copy].parent_ids, nodes[copy].operator, nodes[copy].island) == (
        ("first",),
        Operator.MIGRANT,
        "1",
    )
    assert nodes["crossed"].parent_ids == ("better",)
    builds = {each.agent_id: each.cost_nano for each in archive.evaluations if each.role is Role.BUILD}
    assert builds == {
        "better": 14_400_000,
        "broken": 10_000_000,
        "crossed": 23_000_000,
        "subscribed": None,
    }
    scores = {each.agent_id: each.score for each in archive.evaluations if each.role is Role.EVALUATE}
    assert scores["broken"] is None
    assert scores["crossed"] == 0.75
    assert "outside of the scale 0 to 0.5" in evolve(
        "import", path, "--to", tmp_path / "x", "--score-range", "0:0.5", code=REFUSED
    )


def test_another_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE programs (id TEXT)")
    assert "no column parent_id" in evolve("score", "--file", path, code=REFUSED)


def test_the_prompt_is_the_directives_graded(study: Path) -> None:
    assert evolve("prompt").startswith(DIRECTIVES)
    full = evolve("prompt", "--utilization", "0.85")
    assert full.startswith(DIRECTIVES)
    assert "from 80% of the budget on: economical" in full
    assert "from 100%" not in full
    advised = evolve("prompt", "--utilization", "0.85", "--file", study, "--agent", "seed")
    assert advised.startswith(full.rstrip())
    found = as_json("score", "--file", study)["fitness"]
    weak = {
        name for each in found if each["agentId"] == "seed" for name in ("efficiency",) if each[name] < 0.5
    }
    assert ("time or tokens per success" in advised) is bool(weak)
    assert as_json("prompt", "--utilization", "0.85")["prompt"] == full.rstrip("\n")
    assert "no agent nobody" in evolve("prompt", "--file", study, "--agent", "nobody", code=REFUSED)


BAD = [
    (("prompt", "--agent", "a"), MISUSED, "--agent goes with"),
    (("prompt", "--budget", "b", "--utilization", "1"), MISUSED, "asks the service"),
    (("score",), MISUSED, "Say which study"),
    (("score", "--file", "{study}", "--experiment", "x"), MISUSED, "and not both"),
    (("score", "--file", "{tmp}/missing.jsonl"), REFUSED, "No such file"),
    (("score", "--file", "{study}", "--weight", "beauty=1"), REFUSED, "unknown weight 'beauty'"),
    (("score", "--file", "{study}", "--weight", "efficiency"), MISUSED, "not NAME=NUMBER"),
    (("score", "--file", "{study}", "--aggregate", "median"), MISUSED, "none of weighted, geometric"),
    (("score", "--file", "{study}", "--reference-price", "dear"), MISUSED, "--reference-price"),
    (("score", "--file", "{study}", "--sort", "luck"), MISUSED, "none of fitness"),
    (("select", "--file", "{study}"), MISUSED, "Say by what"),
    (("select", "--file", "{study}", "--selector", "luck"), REFUSED, "no selector 'luck'"),
    (("select", "--file", "{study}", "--selector", "sus", "--parameter", "x"), MISUSED, "NAME=JSON"),
    (("import", "{study}"), MISUSED, "Say where to"),
    (("import", "{study}", "--to", "{tmp}/x", "--score-range", "1"), MISUSED, "LOW:HIGH"),
    (("import", "{study}", "--to", "{tmp}/x", "--prompt-rate", "1"), MISUSED, "go together"),
    (("import", "{tmp}", "--to", "{tmp}/x"), REFUSED, "neither programs/"),
    (("import", "{tmp}/odd.txt", "--to", "{tmp}/x"), MISUSED, "cannot tell what this is"),
    (("run", "--evaluate", "nothing", "--hold", "1", "--file", "{tmp}/r"), MISUSED, "MODULE:FUNCTION"),
    (("run", "--evaluate", "json:none", "--hold", "1", "--file", "{tmp}/r"), MISUSED, "no function none"),
    (("run", "--evaluate", "json:dumps", "--hold", "1", "--file", "{tmp}/r"), MISUSED, "a dict AGENTS"),
    (("run", "--evaluate", "json:dumps", "--hold", "1"), MISUSED, "Say where"),
]


@pytest.mark.parametrize(("arguments", "code", "message"), BAD)
def test_what_cannot_be_done_is_said(
    study: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    (tmp_path / "odd.txt").write_text("hello", encoding="utf-8")
    said = evolve(*(each.format(study=study, tmp=tmp_path) for each in arguments), code=code)
    assert message in said


def test_bad_lines_are_named_and_nothing_is_written(study: Path, tmp_path: Path) -> None:
    with study.open("a", encoding="utf-8") as file:
        file.write('{"agent_id": "seed", "task_id": "t9", "score": 7}\nno json\n')
    said = evolve("import", study, "--to", tmp_path / "out.jsonl", code=REFUSED)
    assert "lineage.jsonl, line 12, score: 7.0 is not in [0, 1]" in said
    assert "lineage.jsonl, line 13: not JSON" in said
    assert "Nothing was read: 2 lines are wrong." in said
    assert list(tmp_path.iterdir()) == [study]
