"""Makers of records, and the real data that lies beside the project."""

import csv
from pathlib import Path

import pytest

from evolution.records import AgentNode, Evaluation, Experiment, Operator, Role

BESIDE = Path(__file__).parents[3] / "shared" / "data"
MAST = ("mast_metagpt.csv", "mast_multi_agent_v2.csv")
CENT = 10_000_000


def beside(name: str) -> Path:
    """A file of real data, or a skip with the reason."""
    path = BESIDE / name
    if not path.exists():
        pytest.skip(f"{name} is not beside this repository (shared/data)")
    return path


def node(agent_id: str, *parents: str, generation: int = 0) -> AgentNode:
    operator = (Operator.SEED, Operator.MUTATION, Operator.CROSSOVER)[min(len(parents), 2)]
    return AgentNode(agent_id, parents, generation, operator)


def run(
    agent_id: str, *results: tuple[float | None, int | None], role: Role = Role.EVALUATE
) -> list[Evaluation]:
    """One evaluation per (score, cost in nano-units), on tasks t0, t1 and so on."""
    return [
        Evaluation(agent_id, f"t{i}", score, cost, seconds=2.0, tokens=100, role=role)
        for i, (score, cost) in enumerate(results)
    ]


def experiment(**said: object) -> Experiment:
    return Experiment("x", **{"c0_nano": CENT, "reference_seconds": 4.0, **said})  # pyright: ignore[reportArgumentType]


def aider() -> list[tuple[str, float | None, int, int]]:
    """(name, total cost or None, passes, tests) of every row; a cost of 0 is unknown there."""
    rows: list[dict[str, str]] = []
    for line in beside("aider_polyglot_leaderboard.yml").read_text(encoding="utf-8").splitlines():
        if line.startswith("- "):
            rows.append({})
        key, colon, value = line[2:].partition(": ")
        if colon and rows:
            rows[-1].setdefault(key.strip(), value.partition(" #")[0].strip())
    found: list[tuple[str, float | None, int, int]] = []
    for row in rows:
        cost = float(row.get("total_cost", "0"))
        tests = int(row.get("total_tests") or row["test_cases"])
        found.append((row["dirname"], cost if cost > 0 else None, int(row["pass_num_2"]), tests))
    return found


def mast(name: str) -> tuple[list[AgentNode], list[Evaluation]]:
    """A real run as a lineage. It has no prices: prompt and code stand in, a quarter token a character."""
    nodes: list[AgentNode] = []
    evaluations: list[Evaluation] = []
    with beside(name).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            parents = (row["parent_id"],) if row["parent_id"] else ()
            migrant = "_migrant_" in row["id"]
            operator = Operator.MIGRANT if migrant else Operator.MUTATION if parents else Operator.SEED
            nodes.append(AgentNode(row["id"], parents, int(row["generation"]), operator, row["island"]))
            tokens = (int(row["llm_prompt_chars"]) + int(row["code_chars"])) // 4
            cost_nano = int(row["llm_prompt_chars"]) // 4 * 2_500 + int(row["code_chars"]) // 4 * 10_000
            score = None if row["error"] else float(row["combined_score"])
            evaluations.append(Evaluation(row["id"], "benchmark", score, cost_nano, tokens=tokens))
    return nodes, evaluations
