"""Looking at new prices before they hold: a jump above a factor waits for somebody's approval.

Prices do change, but a hundredfold change is a misplaced unit far more often than news. What jumped, what
became free or stopped being so, is held: the price before stays until somebody approves the new one. A model
that a source no longer has keeps its last price: it may still be called.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from pricing.errors import InvalidRate
from pricing.rates import Card

FACTOR: Final = Fraction(3)


class Verdict(StrEnum):
    """Why a change is held."""

    ROSE = "ROSE"
    FELL = "FELL"
    BECAME_FREE = "BECAME_FREE"
    NO_LONGER_FREE = "NO_LONGER_FREE"
    CURRENCY = "CURRENCY"


@dataclass(frozen=True, slots=True)
class Jump:
    """One rate that changed too much, in nano-units per one."""

    key: str
    unit: str
    before: Fraction
    after: Fraction
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Review:
    """New prices, sorted: ``accepted`` holds at once; ``held`` waits, for the reasons in ``jumps``."""

    accepted: Mapping[str, Card]
    held: Mapping[str, Card]
    kept: Mapping[str, Card]
    """The last good price of what is held or was not in the new data."""
    jumps: tuple[Jump, ...]

    def current(self) -> dict[str, Card]:
        """What holds now."""
        return {**self.kept, **self.accepted}


def review(before: Mapping[str, Card], after: Mapping[str, Card], factor: Fraction = FACTOR) -> Review:
    """Sort new prices by how much they differ from those before; new models are accepted."""
    if factor <= 1:
        raise InvalidRate(f"a factor of {factor} would hold everything: it must be above 1", "factor")
    jumps: list[Jump] = []
    accepted: dict[str, Card] = {}
    held: dict[str, Card] = {}
    for key, card in after.items():
        found = _jumps(key, before[key], card, factor) if key in before else []
        jumps += found
        (held if found else accepted)[key] = card
    kept = {key: card for key, card in before.items() if key not in accepted}
    return Review(accepted, held, kept, tuple(jumps))


def verdict_on(old: Fraction, new: Fraction, factor: Fraction) -> Verdict | None:
    """Why a change of one rate is held; None where it is not."""
    if old == new:
        return None
    if not old:
        return Verdict.NO_LONGER_FREE
    if not new:
        return Verdict.BECAME_FREE
    if new > old * factor:
        return Verdict.ROSE
    return Verdict.FELL if new * factor < old else None


def _jumps(key: str, before: Card, after: Card, factor: Fraction) -> list[Jump]:
    if before.currency != after.currency:
        return [Jump(key, "*", Fraction(0), Fraction(0), Verdict.CURRENCY)]
    found: list[Jump] = []
    for mode in (before, *before.modes.values()):
        other = after.in_mode(mode.mode)
        if other is None:
            continue
        for start in (-1, *sorted({*mode.starts, *other.starts})):
            old, new = mode.tier_at(start).rates(), other.tier_at(start).rates()
            for unit in old.keys() & new.keys():
                verdict = verdict_on(old[unit], new[unit], factor)
                if verdict is not None:
                    found.append(Jump(key, unit, old[unit], new[unit], verdict))
    return found
