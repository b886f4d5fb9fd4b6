"""A simulated fleet of agents for ``costgraph demo``: budgets, agents, and the calls that they make.

Everything here is simulated, and says so where it is shown. Call sizes are log-normal. Their medians are
those that Patel et al. publish for two of Azure's services (Splitwise, ISCA 2024): coding 1,500 prompt and 13
generated tokens, conversation 1,020 and 129. Their spread is that of the traces published with the paper
(means 2,048 and 28; 1,155 and 211): of a log-normal, sigma² = 2 ln(mean / median).
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

DAYS = 14
PROMPT_MAX = 16_000
COMPLETION_MAX = 4_000
FAILED_SHARE = 0.01
CACHED_SHARE = 0.6
CALLS_OF_AMOUNTS = 3_000
"""The amounts below fit so many calls; a demo of another size scales them."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Token counts of one kind of service: medians and means as published."""

    prompt_median: float
    prompt_mean: float
    completion_median: float
    completion_mean: float

    def draw(self, dice: random.Random) -> tuple[int, int]:
        """Prompt and completion tokens of one call."""
        prompt = _log_normal(dice, self.prompt_median, self.prompt_mean)
        completion = _log_normal(dice, self.completion_median, self.completion_mean)
        return min(PROMPT_MAX, prompt), min(COMPLETION_MAX, completion)


CODING = Sizes(1_500, 2_048, 13, 28)
CONVERSATION = Sizes(1_020, 1_155, 129, 211)


def _log_normal(dice: random.Random, median: float, mean: float) -> int:
    return max(1, round(dice.lognormvariate(math.log(median), math.sqrt(2 * math.log(mean / median)))))


@dataclass(frozen=True, slots=True)
class DemoBudget:
    """A budget of the demo; ``amount`` fits ``CALLS_OF_AMOUNTS`` calls."""

    budget_id: str
    parent_id: str | None
    budget_type: str
    amount: Decimal

    def scaled(self, calls: int) -> str:
        """The amount for so many calls, in cents."""
        return str((self.amount * calls / CALLS_OF_AMOUNTS).quantize(Decimal("0.01")))


@dataclass(frozen=True, slots=True)
class DemoAgent:
    """An agent of the fleet: what it works on, with which model, and how busy it is."""

    agent_id: str
    budget_id: str
    provider: str
    model_id: str
    sizes: Sizes
    capability: str
    busy: float
    parent_ids: tuple[str, ...] = ()


BUDGETS = (
    DemoBudget("acme", None, "PLATFORM", Decimal(10)),
    DemoBudget("support", "acme", "PROJECT", Decimal(5)),
    DemoBudget("chat", "support", "TASK", Decimal("2.8")),
    DemoBudget("tickets", "support", "TASK", Decimal("1.5")),
    DemoBudget("engineering", "acme", "PROJECT", Decimal("3.5")),
    DemoBudget("code-review", "engineering", "TASK", Decimal("2.8")),
    DemoBudget("test-writing", "engineering", "TASK", Decimal("0.5")),
    DemoBudget("research", "acme", "PROJECT", Decimal("2.5")),
    DemoBudget("literature", "research", "TASK", Decimal("0.8")),
    DemoBudget("evaluation", "research", "TASK", Decimal("0.6")),
)

AGENTS = (
    DemoAgent("helpdesk-1", "chat", "openai", "gpt-4o", CONVERSATION, "chat", 5),
    DemoAgent("helpdesk-2", "chat", "openai", "gpt-4o-mini", CONVERSATION, "chat", 6, ("helpdesk-1",)),
    DemoAgent("triage", "tickets", "google", "gemini-2.5-flash", CONVERSATION, "classify", 4),
    DemoAgent("replier", "tickets", "anthropic", "claude-haiku-4-5", CONVERSATION, "chat", 3, ("triage",)),
    DemoAgent("reviewer-1", "code-review", "anthropic", "claude-sonnet-4-5", CODING, "review", 4),
    DemoAgent("reviewer-2", "code-review", "openai", "gpt-4.1", CODING, "review", 3, ("reviewer-1",)),
    DemoAgent("tester", "test-writing", "openai", "gpt-5-mini", CODING, "write_tests", 4),
    DemoAgent("reader", "literature", "google", "gemini-2.5-pro", CONVERSATION, "summarize", 2),
    DemoAgent("judge", "evaluation", "openai", "gpt-4o", CONVERSATION, "grade", 2),
    DemoAgent(
        "local-judge", "evaluation", "in-house", "llama-3.3-70b", CONVERSATION, "grade", 0.3, ("judge",)
    ),
)


def calls(count: int, now: datetime, seed: int) -> Iterator[dict[str, Any]]:
    """So many calls of the last ``DAYS`` days in order of time, as rows of ``POST /v1/usage``."""
    dice, clock = random.Random(seed), random.Random(seed)  # apart: what is drawn must not depend on now
    instants = sorted(_instant(clock, now) for _ in range(count))
    makers = dice.choices(AGENTS, [agent.busy for agent in AGENTS], k=count)
    for number, (instant, agent) in enumerate(zip(instants, makers, strict=True), 1):
        prompt, completion = agent.sizes.draw(dice)
        row: dict[str, Any] = {
            "operation_id": f"demo-{seed}-{number}",
            "agent_id": agent.agent_id,
            "capability_type": agent.capability,
            "provider": agent.provider,
            "model_id": agent.model_id,
            "timestamp": instant.isoformat(),
            "user_id": f"user-{dice.randint(1, 20)}",
            "prompt_tokens": prompt,
            "completion_tokens": completion,
        }
        if agent.capability == "review":
            row["cache_read_tokens"] = int(prompt * CACHED_SHARE)
        if dice.random() < FAILED_SHARE:
            row |= {"outcome": "ERROR", "completion_tokens": 0}
        yield row


def _instant(dice: random.Random, now: datetime) -> datetime:
    """A moment of the last days, likelier by day than by night."""
    while True:
        instant = now - timedelta(seconds=dice.random() * DAYS * 86_400)
        daylight = 0.5 - 0.5 * math.cos(2 * math.pi * instant.hour / 24)
        if dice.random() < 0.15 + 0.85 * daylight:
            return instant
