"""``costgraph evolve run`` without the service: one file is the cap, the log and the study."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from evolution.adapters.gate import CostGate
from evolution.errors import CapReached
from evolution.outcome import Outcome
from evolution.records import Experiment
from evolution.runner import Limits
from server.cli.errors import REFUSED
from server.cli.evolve.offline import FileLedger, file_log
from tests.support.evolve_commands import STUDY, as_json
from tests.support.servers import COMMAND, environment


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


def test_usages_of_a_run_are_priced_by_the_installed_lists(tmp_path: Path) -> None:
    experiment = Experiment("priced", c0_nano=10_000_000)
    known = {"provider": "openai", "model_id": "gpt-4o", "prompt_tokens": 1_000, "completion_tokens": 100}
    sandbox, storage = ({"unit": unit, "quantity": "0.05"} for unit in ("cpu_core_hour", "storage_gb_hour"))
    with file_log(tmp_path / "log.jsonl", experiment) as log:
        ledger = FileLedger(10**9, log, "USD")
        with CostGate(experiment, ledger, log, Limits(20_000_000)) as gate:
            costs = [
                gate.evaluate("a", "t", lambda: 1, lambda _, words=words: Outcome(1.0, usages=words))[1]
                for words in (
                    (known,),
                    (known, known),
                    (known, sandbox),
                    ({**known, "model_id": "unheard-of"},),
                    (known, storage),
                )
            ]
    prices = [3_500_000, 7_000_000, 8_500_000, None, None]
    assert [each.evaluation.cost_nano for each in costs] == prices
    assert [each.charged_nano for each in costs] == [price or 20_000_000 for price in prices]
    assert (ledger.spent_nano, ledger.held_nano) == (59_000_000, 0)


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
