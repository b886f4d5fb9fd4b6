"""``evolution.ports`` in this process: the ledger's own front, and the graph."""

import asyncio
import secrets
from collections.abc import Sequence

import orjson

from evolution.codec import from_json, to_json
from evolution.errors import Conflict, EvolutionError, InvalidInput, LedgerFailed, UnknownAgent
from evolution.ports import Bill, Held, HoldRequest, Lapsed, LogEntry, Receipt, Refused, Wait
from evolution.stored import EvaluationEntry, StoredExperiment, Written, experiment_uid
from graph.errors import CommitUncertain
from graph.evolution import Experiments
from ledger.access import Principal
from ledger.holds import HoldState
from ledger.model import Pricing
from ledger.reservations import ReservationService
from ledger.results import BudgetExceeded, RecordedUsage, Reservation, ReserveResult, Settled, Throttled
from pricing.money import format_nano
from server.experiments.words import receipt_of, usages_of

MILLISECONDS = 1_000


class LocalLedger:
    """``evolution.ports.ExperimentLedger`` on the ledger of this process, for a caller."""

    def __init__(self, reserving: ReservationService, principal: Principal) -> None:
        """``principal`` is who spends."""
        self._reserving = reserving
        self._principal = principal

    async def reserve(self, request: HoldRequest) -> Held | Refused | Wait | Lapsed:
        """Hold money, or say why not."""
        fields = {
            "idempotency_key": request.key,
            "agent_id": request.agent_id,
            "budget_id": request.budget_id,
            "amount": format_nano(request.amount_nano),
            "ttl_seconds": request.ttl_seconds,
        }
        answer = await self._reserving.reserve(self._principal, fields)
        match answer:
            case Reservation(state=HoldState.HELD):
                # A limit that delays counts expiry from the delay's end.
                await asyncio.sleep(answer.delay_ms / MILLISECONDS)
                return Held(answer.reservation_id, request.key)
            case Reservation():
                return Lapsed()
            case Throttled():
                return Wait(answer.retry_after_ms / MILLISECONDS)
            case BudgetExceeded():
                return Refused(answer.message)
            case _:
                raise _unexpected(answer)

    async def extend(self, hold: Held, ttl_seconds: int) -> None:
        """Keep the hold for so long from now."""
        await self._reserving.extend(
            self._principal,
            {
                "reservation_id": hold.hold_id,
                "idempotency_key": f"{hold.key}+{secrets.token_hex(8)}",
                "ttl_seconds": ttl_seconds,
            },
        )

    async def settle(self, hold: Held, bill: Bill) -> Receipt:
        """Charge, and give the rest back."""
        answer = await self._reserving.settle(self._principal, hold.hold_id, usages_of(bill))
        if not isinstance(answer, Settled):
            raise _unexpected(answer)
        charges: list[tuple[int, bool]] = []
        for each in answer.results:
            if not isinstance(each, RecordedUsage):
                raise _unexpected(each)
            charged_nano = 0 if each.cost_entry is None else each.cost_entry.total_cost_nano
            charges.append((charged_nano, each.pricing is Pricing.PRICED))
        return receipt_of(charges, answer.overrun_nano)


def _unexpected(answer: ReserveResult | object) -> EvolutionError:
    message = getattr(answer, "message", None) or getattr(answer, "code", type(answer).__name__)
    return InvalidInput(
        f"the ledger takes no such evaluation: {message}", field=getattr(answer, "field", None)
    )


class LocalLog:
    """``evolution.ports.EvaluationLog`` in the graph: an outcome is the evaluation's own node.

    Agents take part before they are evaluated.
    """

    def __init__(self, experiments: Experiments, principal: Principal) -> None:
        """``principal`` is who records."""
        self._experiments = experiments
        self._principal = principal

    async def load(self, experiment_id: str) -> Sequence[LogEntry]:
        """The last that was written of each evaluation."""
        return await asyncio.to_thread(self._load, experiment_id)

    async def append(self, entry: LogEntry) -> None:
        """Write one entry. Raises ``EvolutionError``."""
        await asyncio.to_thread(self._append, entry)

    def _load(self, experiment_id: str) -> list[LogEntry]:
        logs = self._experiments.all_logs(self._experiment(experiment_id))
        return [from_json(LogEntry, orjson.loads(each)) for each in logs]

    def _append(self, entry: LogEntry) -> None:
        experiment = self._experiment(entry.experiment_id)
        try:
            (written,) = self._experiments.record_evaluations(
                experiment, [logged(entry, self._principal.scope_uid)]
            )
        except CommitUncertain as error:
            # Written or not: the next try looks first.
            raise LedgerFailed(str(error)) from error
        if written is Written.CONFLICT:
            raise Conflict(
                f"evaluation {entry.operation_id} has another outcome: does another runner run?",
                field="operation_id",
            )
        if written is Written.MISSING:
            raise UnknownAgent(
                f"agent {entry.evaluation.agent_id!r} takes no part in {entry.experiment_id}: record its "
                "lineage first",
                field="agent_id",
            )

    def _experiment(self, experiment_id: str) -> StoredExperiment:
        uid = experiment_uid(self._principal.tenant, experiment_id)
        found = self._experiments.get([uid]).get(uid)
        if found is None:
            raise InvalidInput(f"there is no experiment {experiment_id!r}", field="experiment_id")
        return found


def logged(entry: LogEntry, scope_uid: str | None) -> EvaluationEntry:
    """An entry as an evaluation is recorded: what it cost is read from the ledger, not from here."""
    said = entry.evaluation
    evaluation = type(said)(
        said.agent_id,
        said.task_id,
        said.score,
        None,
        said.seconds,
        said.tokens,
        said.role,
        operation_ids=said.operation_ids,
    )
    return EvaluationEntry(
        entry.operation_id,
        evaluation,
        scope_uid=scope_uid,
        log=orjson.dumps(to_json(entry)).decode(),
    )
