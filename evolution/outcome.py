"""What an evaluator answers, how it fails, and how it learns under which id it is paid."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

from evolution.checks import check_fraction, check_measure, check_nano

OPERATION_ID: Final[ContextVar[str]] = ContextVar("operation_id")
"""Inside of ``evaluate``: its id, the same when it is run again, so good as a provider's idempotency key."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One evaluation's result. Cost by ``usages`` (priced by the ledger), else ``cost_nano``, else unknown.

    ``usages`` are the words of ``UsageInput`` without ids: model_id, provider, prompt_tokens, … ``seconds``
    None is measured by the runner.
    """

    score: float
    cost_nano: int | None = None
    seconds: float | None = None
    tokens: int | None = None
    usages: tuple[Mapping[str, Any], ...] = ()

    def __post_init__(self) -> None:
        """Refuse NaN at the door."""
        check_fraction(self.score, "score")
        check_nano(self.cost_nano, "cost_nano")
        check_measure(self.seconds, "seconds")
        check_nano(self.tokens, "tokens")


class EvaluationFailed(Exception):
    """Raise it from ``evaluate`` to say what a failed evaluation cost all the same.

    Any other exception fails the evaluation with an unknown cost, and so is charged what was held.
    """

    def __init__(
        self,
        message: str,
        *,
        cost_nano: int | None = None,
        tokens: int | None = None,
        usages: tuple[Mapping[str, Any], ...] = (),
    ) -> None:
        super().__init__(message)
        check_nano(cost_nano, "cost_nano")
        check_nano(tokens, "tokens")
        self.cost_nano = cost_nano
        self.tokens = tokens
        self.usages = usages
