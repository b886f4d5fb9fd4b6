"""What a bill is in the ledger's words, and what a settlement says of it."""

from collections.abc import Sequence
from typing import Any, Final

from evolution.ports import Bill, Receipt
from pricing.cards import UNREPORTED
from pricing.money import format_nano

CAPABILITY: Final = "evaluation"
NOBODY_KNOWS: Final = {"model_id": UNREPORTED, "prompt_tokens": 1}
"""An evaluation whose cost nobody knows: that model has no price, so the ledger charges the hold.

Without any token it would be priced, at 0; estimates do not count as known tokens.
"""


def usages_of(bill: Bill) -> list[dict[str, Any]]:
    """The usages that a bill comes to: its own, else one that says what was billed, else an unknown one."""
    rows: list[dict[str, Any]] = []
    for number, words in enumerate(bill.usages or ({},)):
        said: dict[str, Any] = {
            "operation_id": f"{bill.operation_id}/{number}",
            "agent_id": bill.agent_id,
            "capability_type": CAPABILITY,
            "session_id": bill.session_id,
            "outcome": "ERROR" if bill.failed else "OK",
            **words,
        }
        if not bill.usages and bill.cost_nano is None:
            said |= NOBODY_KNOWS
        elif not bill.usages and bill.cost_nano is not None:
            said["provider_cost"] = format_nano(bill.cost_nano)
            said["provider_cost_currency"] = bill.currency
        rows.append(said)
    return rows


def receipt_of(charges: Sequence[tuple[int, bool]], overrun_nano: int) -> Receipt:
    """From what each usage was charged, and whether that is its price."""
    charged_nano = sum(charged for charged, _ in charges)
    known = all(priced for _, priced in charges)
    return Receipt(charged_nano, charged_nano if known else None, overrun_nano)
