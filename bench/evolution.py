"""Scoring a large lineage, non-dominated sorting, exact selection under a budget. One JSON line per measure.

A lineage is read from a file of JSON lines, scored, and its clades added up, in a process of its own (what it
holds at most is that process's peak); once at a tenth of the size and once whole, so that growth shows.
Sorting stands beside pymoo and moocore in the same run, on the same points, and must agree with them.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from moocore import pareto_rank
from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

from evolution.archives.tables import read_jsonl
from evolution.budgeted import Offer, select_within
from evolution.clades import clade_report
from evolution.lineage import Lineage
from evolution.records import Experiment, UnknownCost
from evolution.scoring import freeze, score
from evolution.selectors.sorting import front_ranks

AGENTS, PER_AGENT = 100_000, 10
POINTS = 2_000
OFFERS, CHOSEN = 1_000, 30
REPEATS = 5


def write_lineage(path: Path, agents: int) -> None:
    """A seeded family of mutations and crossovers; every agent on ten tasks, one cost in fifty unknown."""
    rng = np.random.default_rng(3)
    skill = np.clip(rng.normal(0.4, 0.15, agents), 0.02, 0.98)
    with path.open("w", encoding="utf-8") as file:
        generation = [0] * agents
        for i in range(agents):
            parents = sorted({int(each) for each in rng.integers(0, i, 1 + i % 4 // 3)}) if i > 20 else []
            generation[i] = 1 + max((generation[each] for each in parents), default=-1)
            node = {
                "agent_id": f"a{i}",
                "parent_agent_ids": [f"a{each}" for each in parents],
                "generation": generation[i],
            }
            file.write(json.dumps(node) + "\n")
        for i in range(agents):
            solved = rng.random(PER_AGENT) < skill[i]
            costs = rng.lognormal(16.0, 0.5, PER_AGENT).astype(np.int64)
            for task in range(PER_AGENT):
                known = (i * PER_AGENT + task) % 50
                cost = f'"cost":"{costs[task] / 1e9:.9f}",' if known else ""
                file.write(
                    f'{{"agent_id":"a{i}","task_id":"t{task}","score":{float(solved[task])},{cost}"tokens":900}}\n'
                )


def load(path: Path) -> dict[str, Any]:
    """Read, score, add clades up: seconds of each, and the peak of this process."""
    started = time.perf_counter()
    with path.open(encoding="utf-8") as file:
        archive = read_jsonl(file)
    read = time.perf_counter()
    lineage = Lineage.of(archive.nodes)
    experiment = freeze(
        Experiment("bench", unknown_cost=UnknownCost.PRICED_ONLY),
        archive.evaluations,
        [n.agent_id for n in archive.nodes if not n.generation],
    )
    found = score(archive.evaluations, experiment, lineage.ids)
    scored = time.perf_counter()
    report = clade_report(lineage, archive.evaluations, experiment)
    ended = time.perf_counter()
    if len(found) != len(report.clades):
        sys.exit(f"{len(found)} agents have a fitness, {len(report.clades)} a clade")
    return {
        "agents": len(found),
        "evaluations": len(archive.evaluations),
        "read_seconds": round(read - started, 3),
        "score_seconds": round(scored - read, 3),
        "clades_seconds": round(ended - scored, 3),
        "clade_pairs": sum(each.members for each in report.clades),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def measure_lineages() -> None:
    """A tenth, then the whole: growth 10 is linear.

    Clades cost by their members: where families cross, these grow faster than the agents do.
    """
    with tempfile.TemporaryDirectory() as folder:
        before: dict[str, Any] | None = None
        for agents in (AGENTS // 10, AGENTS):
            path = Path(folder) / "lineage.jsonl"
            write_lineage(path, agents)
            run = subprocess.run(
                [sys.executable, "-m", "bench.evolution", str(path)],
                capture_output=True,
                text=True,
                check=True,
            )
            line = json.loads(run.stdout)
            if before is not None:
                loaded = [each["read_seconds"] + each["score_seconds"] for each in (before, line)]
                line["growth"] = round(loaded[1] / loaded[0], 2)
                line["clade_pairs_growth"] = round(line["clade_pairs"] / before["clade_pairs"], 2)
            before = line
            _print({"load": "score_lineage", **line})


def measure_sorting() -> None:
    """Ranks of 2,000 points in three columns, best of five, by each of the three."""
    rng = np.random.default_rng(5)
    clouds = {
        "uniform": rng.random((POINTS, 3)),
        "sphere": np.abs(_unit(rng.normal(size=(POINTS, 3)))),
        "ties": rng.integers(0, 12, (POINTS, 3)).astype(np.float64),
    }
    for name, points in clouds.items():
        ours, seconds = _best(lambda points=points: front_ranks(points))
        theirs, pymoo_seconds = _best(
            lambda points=points: NonDominatedSorting().do(points, return_rank=True)[1]
        )
        others, moocore_seconds = _best(lambda points=points: pareto_rank(points))
        if not (np.array_equal(ours, theirs) and np.array_equal(ours, np.asarray(others) - np.min(others))):
            sys.exit(f"the ranks of {name} differ")
        _print(
            {
                "load": "sorting",
                "points": POINTS,
                "columns": 3,
                "cloud": name,
                "fronts": int(ours.max()) + 1,
                "seconds": round(seconds, 5),
                "pymoo_seconds": round(pymoo_seconds, 5),
                "moocore_seconds": round(moocore_seconds, 5),
            }
        )


def measure_selection() -> None:
    """30 of 1,000 for a tenth of what all cost, exactly: values free of cost, and bound to it."""
    rng = np.random.default_rng(7)
    costs = rng.lognormal(18.0, 0.8, OFFERS).astype(np.int64)
    values = {
        "independent": rng.random(OFFERS),
        "correlated": np.log(costs) / 30 + rng.random(OFFERS) / 20,
    }
    for name, value in values.items():
        offers = [
            Offer(f"a{i}", float(worth), int(cost))
            for i, (worth, cost) in enumerate(zip(value, costs, strict=True))
        ]
        budget_nano = int(costs.sum()) * CHOSEN // OFFERS // 2
        found, seconds = _best(lambda offers=offers, b=budget_nano: select_within(offers, b, CHOSEN), 3)
        _print(
            {
                "load": "selection",
                "offers": OFFERS,
                "k": CHOSEN,
                "values": name,
                "seconds": round(seconds, 3),
                "exact": found.exact,
                "gap_to_lp": round(found.lp_bound - found.value, 6),
            }
        )


def _unit(points: Any) -> Any:
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def _best(work: Callable[[], Any], repeats: int = REPEATS) -> tuple[Any, float]:
    found, seconds = None, float("inf")
    for _ in range(repeats):
        started = time.perf_counter()
        found = work()
        seconds = min(seconds, time.perf_counter() - started)
    return found, seconds


def _print(line: dict[str, Any]) -> None:
    print(json.dumps({"bench": "evolution", **line}), flush=True)


def main() -> None:
    """Print one line per measure."""
    measure_lineages()
    measure_sorting()
    measure_selection()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(load(Path(sys.argv[1]))))
    else:
        main()
