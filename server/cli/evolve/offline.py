"""A run without the service: the cap in this process, the log in a file. One run at a time owns the file.

The file is JSON lines: first what the run is, then ``evolution.ports.LogEntry`` by ``evolution.codec``, each
on disk before the runner goes on. Whoever runs again with it pays nothing twice. Usages are priced by the
lists that are installed, models' and resources'; with no price, what is held is charged.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from evolution.codec import from_json, to_json
from evolution.errors import Conflict, InvalidInput
from evolution.ports import Bill, Held, HoldRequest, Lapsed, LogEntry, Receipt, Refused, Wait
from evolution.records import Experiment
from ledger.results import InvalidUsage
from ledger.service import priced_usage
from pricing.catalogue import load_catalogue
from pricing.money import format_nano
from pricing.quote import Pricer, Pricing
from pricing.resources import price_lists
from server.cli.errors import CliError


@dataclass
class FileLog:
    """``evolution.ports.EvaluationLog`` in a file that is open and locked."""

    file: TextIO
    entries: list[LogEntry]

    async def load(self, experiment_id: str) -> Sequence[LogEntry]:
        """All that was written, in that order."""
        return [each for each in self.entries if each.experiment_id == experiment_id]

    async def append(self, entry: LogEntry) -> None:
        """On disk before it answers."""
        self.file.write(json.dumps(to_json(entry), ensure_ascii=False) + "\n")
        self.file.flush()
        os.fsync(self.file.fileno())
        self.entries.append(entry)


@contextlib.contextmanager
def file_log(path: Path, experiment: Experiment) -> Generator[FileLog]:
    """Open a run's file, and nobody else does meanwhile.

    Raises ``CliError`` where it is in use or cannot be read, ``Conflict`` where it is another experiment's.
    """
    try:
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise CliError(f"{path}: {error.strerror or error}") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CliError(f"{path}: another run is at work on it") from None
        file.seek(0)
        whole = _whole_lines(file)
        if whole:
            _same_experiment(path, experiment, whole[0])
        else:
            file.write(json.dumps({"experiment": to_json(experiment)}, ensure_ascii=False) + "\n")
            file.flush()
        entries: list[LogEntry] = []
        for number, line in enumerate(whole[1:], 2):
            try:
                entries.append(from_json(LogEntry, json.loads(line)))
            except (json.JSONDecodeError, InvalidInput) as error:
                raise CliError(f"{path}, line {number}: {error}") from None
        yield FileLog(file, entries)


def _whole_lines(file: TextIO) -> list[str]:
    """The lines that were finished; what a crash left of the last one is cut off."""
    text = file.read()
    whole, _, rest = text.rpartition("\n")
    if rest:
        file.seek(0)
        file.truncate(len(f"{whole}\n".encode()) if whole else 0)
        file.seek(0, os.SEEK_END)
    return whole.split("\n") if whole else []


def _same_experiment(path: Path, experiment: Experiment, line: str) -> None:
    try:
        said = from_json(Experiment, json.loads(line)["experiment"])
    except (json.JSONDecodeError, KeyError, TypeError, InvalidInput):
        raise CliError(f"{path}: this is no file of a run") from None
    if said != experiment:
        raise Conflict(
            f"{path} is a run with other parameters (experiment {said.experiment_id!r}): resume it with the "
            "same ones, or name another file",
            field="file",
        )


@dataclass
class FileLedger:
    """``evolution.ports.ExperimentLedger`` with one hard cap, exact because one process owns it."""

    cap_nano: int
    log: FileLog
    currency: str
    held: dict[str, int] = field(default_factory=dict[str, int])
    settled: dict[str, Receipt] = field(default_factory=dict[str, Receipt])
    pricer: Pricer | None = None
    spent_nano: int = 0
    """All that was charged."""
    held_nano: int = 0
    """All that is held."""

    def __post_init__(self) -> None:
        """What was paid in earlier runs is spent; what was logged and not paid keeps its hold."""
        for entry in self.log.entries:
            if entry.receipt is not None:
                self.settled[entry.hold.key] = entry.receipt
                self.held.pop(entry.hold.key, None)
            elif entry.hold.key not in self.settled:
                self.held[entry.hold.key] = int(entry.hold.hold_id.rpartition("#")[2])
        self.spent_nano = sum(each.charged_nano for each in self.settled.values())
        self.held_nano = sum(self.held.values())

    async def reserve(self, request: HoldRequest) -> Held | Refused | Wait | Lapsed:
        """Hold money, where spent + held + asked is at most the cap."""
        hold = Held(f"{request.key}#{request.amount_nano}", request.key)
        if request.key in self.settled:
            return Lapsed()
        if request.key in self.held:
            return hold
        spent, held = self.spent_nano, self.held_nano
        if spent + held + request.amount_nano > self.cap_nano:
            return Refused(
                f"Budget exceeded: {format_nano(spent + held + request.amount_nano)} / "
                f"{format_nano(self.cap_nano)} {self.currency} "
                f"(spent {format_nano(spent)}, held {format_nano(held)}, "
                f"asked {format_nano(request.amount_nano)})"
            )
        self.held[request.key] = request.amount_nano
        self.held_nano += request.amount_nano
        return hold

    async def extend(self, hold: Held, ttl_seconds: int) -> None:
        """Holds last as long as the process."""

    async def settle(self, hold: Held, bill: Bill) -> Receipt:
        """Charge, and give the rest back; the first receipt again for a repetition."""
        if (known := self.settled.get(hold.key)) is not None:
            return known
        cost_nano = self._cost(bill)
        held_nano = self.held.pop(hold.key, 0)
        self.held_nano -= held_nano
        charged = held_nano if cost_nano is None else cost_nano
        receipt = Receipt(charged, cost_nano, max(charged - held_nano, 0))
        self.settled[hold.key] = receipt
        self.spent_nano += charged
        return receipt

    def _cost(self, bill: Bill) -> int | None:
        if not bill.usages:
            return bill.cost_nano
        self.pricer = self.pricer or Pricer(price_lists(load_catalogue()))
        total = 0
        for number, words in enumerate(bill.usages):
            said: dict[str, Any] = {
                "operation_id": f"{bill.operation_id}/{number}",
                "agent_id": bill.agent_id,
                "capability_type": "evaluation",
                **words,
            }
            found = priced_usage(self.pricer, said)
            if isinstance(found, InvalidUsage):
                raise InvalidInput(f"usages: {found.message}", field=found.field)
            quote = found[1].charged_in(self.currency)
            if quote.pricing is not Pricing.PRICED:
                return None
            total += quote.total_nano
        return total
