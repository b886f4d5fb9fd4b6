"""An example for researchers on real data: the Aider leaderboard's frontier, and two runs of MAST.

Writes pictures and one JSON file, and prints what it found. docs/research.md tells where the data are from.

    .venv/bin/python scripts/research_example.py --data DATA --out example
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from evolution.archives.mast import Rates, read_mast
from evolution.clades import clade_report
from evolution.codec import to_json
from evolution.diversity import diversity
from evolution.errors import NotInstalled
from evolution.figures.drawing import AnyFigure, draw
from evolution.figures.frontier import FrontierFigure, frontier_figure
from evolution.figures.spend import spend_figure
from evolution.figures.tree import tree_figure
from evolution.intervals import Interval, wilson
from evolution.lineage import Lineage
from evolution.paths import levels
from evolution.price import price_by_generation
from evolution.records import Experiment, Role
from evolution.scoring import score
from evolution.selectors.base import Candidate
from evolution.totals import totals_of
from pricing.money import format_nano, to_nano

LEADERBOARD = "aider_polyglot_leaderboard.yml"
RUNS = ("mast_metagpt.csv", "mast_multi_agent_v2.csv")
RATES = Rates(prompt=Decimal("2.50"), completion=Decimal("10.00"))
"""Per million tokens: what gpt-4o listed when these runs were made (August 2025)."""
SUCCESS_NANO = 1_000_000_000
"""What a success may cost in these runs: 1 USD."""


def leaderboard(path: Path) -> FrontierFigure:
    """Every configuration at its cost per test and the share of tests that it passed, with its interval."""
    candidates: list[Candidate] = []
    intervals: dict[str, Interval] = {}
    for row in flat_yaml(path):
        tests = int(row.get("total_tests") or row["test_cases"])
        passed = int(row["pass_num_2"])
        total = Decimal(row.get("total_cost") or 0)
        # A row that says 0, or nothing, does not say that it was free.
        cost = to_nano(total) / tests if total > 0 else None
        candidates.append(Candidate(row["dirname"], effectiveness=passed / tests, cost=cost))
        intervals[row["dirname"]] = wilson(passed, tests)
    return frontier_figure(candidates, "USD", intervals, "Aider polyglot leaderboard: cost and effectiveness")


def flat_yaml(path: Path) -> Iterator[Mapping[str, str]]:
    """A list of flat maps: all that this file's YAML uses. Comments and quotes are left out."""
    row: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("- ") and row:
            yield row
            row = {}
        key, colon, value = line[2:].partition(": ")
        if colon and line[:2] in {"- ", "  "}:
            row.setdefault(key.strip(), value.partition(" #")[0].strip().strip("'\""))
    if row:
        yield row


def mast_run(path: Path) -> tuple[dict[str, Any], dict[str, AnyFigure]]:
    """What a run spent on writing programs, what its best one cost to find, and how cost per success moved.

    Here the price of the call that wrote a program counts as what the program's one evaluation cost: nobody
    recorded more.
    """
    with path.open(encoding="utf-8", newline="") as file:
        archive = read_mast(file, RATES, role=Role.EVALUATE)
    lineage = Lineage.of(archive.nodes)
    experiment = Experiment(path.stem, c0_nano=SUCCESS_NANO)
    fitness = score(archive.evaluations, experiment, lineage.ids)
    report = clade_report(lineage, archive.evaluations, experiment)
    best = max(fitness, key=lambda each: (each.dimensions.effectiveness or 0.0, -each.cost_nano))
    known = levels(totals_of(archive.evaluations, experiment, lineage.ids))
    terms = price_by_generation(lineage, {name: each.total for name, each in known.items()})
    found = {
        "run": path.stem,
        "agents": len(lineage.nodes),
        "danglingParents": len(lineage.dangling),
        "notes": list(archive.notes),
        "spent": format_nano(report.tree_cost_nano),
        "unknownCosts": report.unknown_costs,
        "best": best.agent_id,
        "bestScore": best.dimensions.effectiveness,
        "costToDiscoverBest": format_nano(report.of(best.agent_id).discovery_cost_nano),
        "tips": diversity(lineage).tips,
        "faithPd": diversity(lineage).faith_pd,
        "price": {generation: to_json(each) for generation, each in terms.items()},
    }
    values = {each.agent_id: each.dimensions.cost_efficiency for each in fitness}
    failed = frozenset(each.agent_id for each in fitness if not each.successes)
    title = f"{path.stem}: lineage by estimated cost efficiency"
    return found, {
        f"{path.stem}-lineage": tree_figure(lineage, values, failed=failed, title=title),
        f"{path.stem}-spend": spend_figure(
            lineage, archive.evaluations, title=f"{path.stem}: estimated spend"
        ),
    }


def main() -> None:
    """Read, compute, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder with the three files")
    parser.add_argument("--out", type=Path, default=Path("example"), help="where to write (default: example)")
    options = parser.parse_args()
    frontier = leaderboard(options.data / LEADERBOARD)
    say(
        f"leaderboard: {len(frontier.points)} configurations with a cost, {len(frontier.unplaced)} without; "
        f"{len(frontier.frontier)} on the frontier, {len(frontier.hull)} of them on the hull"
    )
    for each in frontier.hull:
        say(f"  {each.effectiveness:.3f} for {each.mean_cost:.4f} USD a test: {each.agent_id}")
    figures: dict[str, AnyFigure] = {"leaderboard": frontier}
    runs: list[dict[str, Any]] = []
    for name in RUNS:
        found, drawn = mast_run(options.data / name)
        runs.append(found)
        figures |= drawn
        say(
            f"{found['run']}: {found['agents']} programs for about {found['spent']} USD "
            f"({found['unknownCosts']} of unknown cost); the best scores {found['bestScore']}, found for "
            f"about {found['costToDiscoverBest']} USD"
        )
    options.out.mkdir(parents=True, exist_ok=True)
    whole = {"runs": runs, "figures": {name: to_json(each) for name, each in figures.items()}}
    (options.out / "example.json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    try:
        for name, figure in figures.items():
            (options.out / f"{name}.png").write_bytes(draw(figure))
    except NotInstalled as error:
        say(str(error))
    say(f"wrote {options.out}")


def say(line: str) -> None:
    """One line of what was found."""
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
