"""``costgraph evolve`` in this process, a small lineage, and a module to run."""

import json
from typing import Any

from typer.testing import CliRunner

from server.cli import app
from server.cli.errors import CliError

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
