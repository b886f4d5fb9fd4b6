"""The simulated fleet: the same for the same seed, and sized as published."""

import random
import statistics
from datetime import UTC, datetime, timedelta

from ledger.usage import Usage, parse_usage
from server.demo import AGENTS, BUDGETS, CODING, CONVERSATION, DAYS, calls

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_the_same_seed_makes_the_same_calls() -> None:
    assert list(calls(200, NOW, 1)) == list(calls(200, NOW, 1))
    assert list(calls(200, NOW, 1)) != list(calls(200, NOW, 2))


def test_every_call_is_a_valid_usage_of_the_last_days_in_order() -> None:
    rows = list(calls(2_000, NOW, 3))
    assert all(isinstance(parse_usage(row), Usage) for row in rows)
    instants = [datetime.fromisoformat(row["timestamp"]) for row in rows]
    assert instants == sorted(instants)
    assert NOW - timedelta(days=DAYS) <= instants[0]
    assert instants[-1] <= NOW
    assert len({row["operation_id"] for row in rows}) == 2_000
    assert {row["agent_id"] for row in rows} == {agent.agent_id for agent in AGENTS}


def test_sizes_have_the_published_medians_and_means() -> None:
    dice = random.Random(5)
    for sizes in (CODING, CONVERSATION):
        prompts, completions = zip(*(sizes.draw(dice) for _ in range(40_000)), strict=True)
        assert abs(statistics.median(prompts) / sizes.prompt_median - 1) < 0.03
        assert abs(statistics.median(completions) / sizes.completion_median - 1) < 0.05
        assert abs(statistics.mean(prompts) / sizes.prompt_mean - 1) < 0.03
        assert abs(statistics.mean(completions) / sizes.completion_mean - 1) < 0.08


def test_the_tree_has_three_levels_and_every_agent_a_leaf() -> None:
    parents = {each.budget_id: each.parent_id for each in BUDGETS}
    leaves = set(parents) - set(parents.values())
    for agent in AGENTS:
        assert agent.budget_id in leaves
        middle = parents[agent.budget_id]
        assert middle is not None
        root = parents[middle]
        assert root is not None
        assert parents[root] is None
