"""``costgraph evolve`` without the service: files in, tables, JSON and pictures out."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from evolution.adapters.gate import CostGate
from evolution.archives.tables import read_jsonl
from evolution.codec import from_json
from evolution.errors import CapReached
from evolution.outcome import Outcome
from evolution.prompts import DIRECTIVES
from evolution.records import Experiment, Operator, Role
from evolution.runner import Limits
from evolution.selections import Selection, replay
from evolution.selectors.registry import SELECTORS
from server.cli import app
from server.cli.errors import MISUSED, REFUSED, CliError
from server.cli.evolve.offline import FileLedger, file_log
from tests.evolution.data import MAST, beside
from tests.support.servers import COMMAND, environment

LINES = """
{"experiment_id": "demo", "tasks": ["t1", "t2"]}
{"agent_id": "seed"}
{"agent_id": "child", "parent_agent_ids": ["seed"], "generation": 1}
{"agent_id": "other", "parent_agent_ids": ["seed", "gone"], "generation": 1}
{"agent_id": "seed", "task_id": "t1", "score": 1, "cost": "0.012", "seconds": 4, "tokens": 100}
{"agent_id": "seed", "task_id": "t2", "score": 0, "cost": "0.015", "seconds": 5, "tokens": 100}
{"agent_id": "child", "task_id": "t1", "score": 1, "cost": "0.004", "seconds": 3, "tokens": 50}
{"agent_id": "child", "task_id": "t2", "score": 1, "cost": "0.006", "seconds": 3, "tokens": 50}
{"agent_id": "other", "task_id": "t1", "score": 1}
{"agent_id": "other", "task_id": "t2", "score": 1}
{"agent_id": "child", "task_id": "made", "role": "build", "cost": "0.5"}
"""


def evolve(*arguments: object, code: int = 0) -> str:
    """What the command printed, or the message that it ended with."""
    ended = CliRunner().invoke(app, ["evolve", *map(str, arguments)])
    if isinstance(ended.exception, CliError):
        assert ended.exception.exit_code == code, ended.exception.message
        return ended.exception.message
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    assert ended.exit_code == code, ended.output
    return ended.output


def as_json(*arguments: object) -> Any:
    return json.loads(evolve(*arguments, "--json"))


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


STUDY = """
import time
from evolution.outcome import EvaluationFailed, Outcome

AGENTS = {f"a{i}": i for i in range(4)}
TASKS = {f"t{i}": i for i in range(5)}
CENT = 10_000_000


def evaluate(agent, task):
    with open("calls.txt", "a") as file:
        file.write(f"{agent} {task}\\n")
    time.sleep(SLEEP)
    if task == 4:
        raise EvaluationFailed("too hard", cost_nano=CENT // 2)
    if task == 3:
        return Outcome(1.0)
    return Outcome(float(agent > task), cost_nano=CENT * (agent + 1) // 4, seconds=1.0)
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    (tmp_path / "mystudy.py").write_text(STUDY.replace("SLEEP", "0"), encoding="utf-8")
    return tmp_path


def run(folder: Path, *arguments: str, code: int = 0) -> Any:
    ended = subprocess.run(
        [COMMAND, "evolve", "run", "--evaluate", "mystudy:evaluate", "--hold", "0.02", *arguments, "--json"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == code, ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr.replace("EvaluationFailed", "")
    return json.loads(ended.stdout) if code == 0 else ended.stderr


def test_a_run_without_the_service_pays_once_and_is_a_study(module: Path) -> None:
    said = ("--file", "run.jsonl", "--budget", "5", "--reference-price", "0.01")
    first = run(module, *said)
    assert first["run"]["stop"] == "done"
    assert len(first["run"]["evaluations"]) == 20
    again = run(module, *said)
    assert again["run"]["resumed"] == 20
    assert again["spent"] == first["spent"]
    assert len((module / "calls.txt").read_text(encoding="utf-8").splitlines()) == 20
    found = as_json("score", "--file", module / "run.jsonl")
    assert found["referencePrice"] == "0.01"
    assert len(found["fitness"]) == 4
    # What told no cost is charged what was held, and stays unknown to the scores.
    assert all(each["unknownCosts"] == 1 for each in found["fitness"])
    known = sum(Decimal(each["cost"]) for each in found["fitness"])
    assert Decimal(first["spent"]) == known + 4 * Decimal("0.02")


def test_a_run_stops_at_its_cap_and_never_passes_it(module: Path) -> None:
    found = run(module, "--file", "run.jsonl", "--budget", "0.07", "--workers", "16")
    assert found["run"]["stop"] == "budget"
    assert Decimal(found["spent"]) <= Decimal("0.07")
    assert "Budget exceeded" in found["run"]["message"]
    other = run(module, "--file", "run.jsonl", "--budget", "0.07", "--seed", "9", code=REFUSED)
    assert "a run with other parameters" in other


def test_a_killed_run_resumes_and_pays_nothing_twice(module: Path) -> None:
    whole = run(module, "--file", "whole.jsonl", "--budget", "5")
    (module / "calls.txt").unlink()
    (module / "mystudy.py").write_text(STUDY.replace("SLEEP", "0.15"), encoding="utf-8")
    arguments = ("--file", "run.jsonl", "--budget", "5", "--workers", "2")
    killed = subprocess.Popen(
        [COMMAND, "evolve", "run", "--evaluate", "mystudy:evaluate", "--hold", "0.02", *arguments],
        cwd=module,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 60
    log = module / "run.jsonl"
    while time.monotonic() < until and (
        not log.exists() or log.read_text(encoding="utf-8").count('"receipt": {') < 5
    ):
        time.sleep(0.02)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    resumed = run(module, *arguments)
    assert resumed["run"]["resumed"] >= 5
    assert resumed["spent"] == whole["spent"]
    scores = {(each["agent_id"], each["task_id"]): each["score"] for each in whole["run"]["evaluations"]}
    assert scores == {
        (each["agent_id"], each["task_id"]): each["score"] for each in resumed["run"]["evaluations"]
    }
    # Only what had no outcome when it died was done again.
    assert len((module / "calls.txt").read_text(encoding="utf-8").splitlines()) <= 22


def test_gepa_and_the_like_can_be_capped_by_a_file_too(tmp_path: Path) -> None:
    path = tmp_path / "search.jsonl"
    experiment = Experiment("search", c0_nano=10_000_000)

    def evaluations(count: int) -> int:
        with file_log(path, experiment) as log:
            ledger = FileLedger(50_000_000, log, "USD")
            with CostGate(experiment, ledger, log, Limits(20_000_000)) as gate:
                for i in range(count):
                    try:
                        gate.evaluate("a", f"t{i}", lambda: 1, lambda _: Outcome(0.5, 10_000_000))
                    except CapReached:
                        return i
        return count

    assert evaluations(2) == 2
    # What earlier runs spent is spent: two of a cent are left beside a hold of two.
    assert evaluations(9) == 2
    found = as_json("score", "--file", path)
    assert [(each["agentId"], each["cost"], each["trials"]) for each in found["fitness"]] == [
        ("a", "0.04", 4)
    ]


def test_usages_of_a_run_are_priced_by_the_catalogue(tmp_path: Path) -> None:
    experiment = Experiment("priced", c0_nano=10_000_000)
    known = {"provider": "openai", "model_id": "gpt-4o", "prompt_tokens": 1_000, "completion_tokens": 100}
    with file_log(tmp_path / "log.jsonl", experiment) as log:
        ledger = FileLedger(10**9, log, "USD")
        with CostGate(experiment, ledger, log, Limits(20_000_000)) as gate:
            costs = [
                gate.evaluate("a", "t", lambda: 1, lambda _, words=words: Outcome(1.0, usages=words))[1]
                for words in ((known,), (known, known), ({**known, "model_id": "unheard-of"},))
            ]
    assert [each.evaluation.cost_nano for each in costs] == [3_500_000, 7_000_000, None]
    assert [each.charged_nano for each in costs] == [3_500_000, 7_000_000, 20_000_000]
    assert (ledger.spent_nano, ledger.held_nano) == (30_500_000, 0)


def test_only_one_run_at_a_time_owns_its_file(module: Path) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(
                """
                import fcntl, sys
                file = open("run.jsonl", "a+")
                fcntl.flock(file, fcntl.LOCK_EX)
                print("held", flush=True)
                sys.stdin.read()
                """
            ),
        ],
        cwd=module,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    try:
        said = run(module, "--file", "run.jsonl", "--budget", "1", code=REFUSED)
        assert "another run is at work on it" in said
    finally:
        holder.communicate("")


def test_the_rest_of_a_line_that_a_crash_left_is_cut_off(module: Path) -> None:
    said = ("--file", "run.jsonl", "--budget", "5")
    first = run(module, *said)
    log = module / "run.jsonl"
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    log.write_text("".join(lines[:-1]) + lines[-1][:40], encoding="utf-8")
    again = run(module, *said)
    # The last line was a receipt: its outcome was logged, so it is paid again under the same id.
    assert again["run"]["resumed"] == 19
    assert again["spent"] == first["spent"]
    assert len((module / "calls.txt").read_text(encoding="utf-8").splitlines()) == 20
