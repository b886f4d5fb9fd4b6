"""The simulator on many seeds; ``COSTGRAPH_TEST_FULL=1`` runs thousands. A failing seed fails again."""

import os

import pytest

from tests.ledger.simulator import Simulation

FULL = os.environ.get("COSTGRAPH_TEST_FULL") == "1"
SEEDS = 3_000 if FULL else 40
AT_ONCE = 10


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_no_trouble_makes_the_books_wrong_or_the_decisions_different(first: int) -> None:
    for seed in range(first, first + AT_ONCE):
        try:
            Simulation(seed).run(60)
        except BaseException as error:
            error.add_note(f"seed {seed}: Simulation({seed}).run(60)")
            raise


def test_a_seed_repeats_itself() -> None:
    def traces(seed: int) -> tuple[object, ...]:
        simulation = Simulation(seed)
        simulation.run(30)
        return (
            simulation.clock_us,
            simulation.numbers,
            simulation.store.commits,
            len(simulation.store.entries),
        )

    assert traces(5) == traces(5)
    assert traces(5) != traces(6)
