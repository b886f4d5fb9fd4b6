"""Limits and thresholds as the command line says them: ``COST DAY 25 HARD``, ``0.5 hysteresis 0.1``."""

from collections.abc import Sequence
from typing import Any, Final

from server.cli.errors import MISUSED, CliError

METERS: Final = ("COST", "TOKENS", "REQUESTS", "LEVEL", "SIZE", "AGE")
WINDOWS: Final = ("REQUEST", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "YEAR", "PERIOD", "LIFETIME")
ENFORCEMENTS: Final = ("HARD", "THROTTLE", "SOFT")
MEMBERS: Final = ("USER", "AGENT", "PROVIDER", "MODEL")
THROTTLE_WORDS: Final = {"from": "start", "shape": "shape", "delay": "maxDelayMs"}
NONE: Final = "none"
LIMIT_HELP: Final = (
    'A limit in words: its meter, window and amount, such as "COST DAY 25"; then perhaps HARD, THROTTLE or '
    'SOFT, "of" a resource, "each" USER, AGENT, PROVIDER or MODEL. "COST DAY 25 THROTTLE from 0.5 shape 2 '
    'delay 10000" delays from half of it on, up to 10 s. SIZE is in bytes, AGE in seconds. Several may be '
    "given."
)


def limits_of(said: Sequence[str]) -> list[dict[str, Any]]:
    """The limits as the API takes them; ``none`` alone is no limit. Raises ``CliError``."""
    if [text.lower() for text in said] == [NONE]:
        return []
    return [_limit(text) for text in said]


def thresholds_of(said: Sequence[str]) -> list[dict[str, Any]]:
    """Thresholds as the API takes them; ``none`` alone is none. Raises ``CliError``."""
    if [text.lower() for text in said] == [NONE]:
        return []
    return [_threshold(text) for text in said]


def _threshold(text: str) -> dict[str, Any]:
    match text.split():
        case [at]:
            words = {"at": at}
        case [at, word, hysteresis] if word.lower() == "hysteresis":
            words = {"at": at, "hysteresis": hysteresis}
        case _:
            words = {"at": ""}
    try:
        return {name: float(word) for name, word in words.items()}
    except ValueError:
        raise CliError(
            f'"{text}" is no threshold. Say it like 0.5, or "0.5 hysteresis 0.1".', MISUSED
        ) from None


def _limit(text: str) -> dict[str, Any]:
    words = text.split()
    limit: dict[str, Any] = {"meter": _one_of(METERS, words, text)}
    if words and words[0].upper() in WINDOWS:
        limit["window"] = words.pop(0).upper()
    if not words:
        raise _wrong(text, "it has no amount")
    limit["amount"] = words.pop(0)
    if words and words[0].upper() in ENFORCEMENTS:
        limit["enforcement"] = words.pop(0).upper()
    while words:
        word = words.pop(0)
        if word.lower() == "of" and words:
            limit["resource"] = words.pop(0)
        elif word.lower() == "each":
            limit["each"] = _one_of(MEMBERS, words, text)
        elif (name := THROTTLE_WORDS.get(word.lower())) is not None and words:
            limit.setdefault("throttle", {})[name] = _number(words.pop(0), name, text)
        else:
            raise _wrong(text, f"{word} has no place in it")
    return limit


def _number(word: str, name: str, text: str) -> float:
    try:
        return int(word) if name == "maxDelayMs" else float(word)
    except ValueError:
        raise _wrong(text, f"{word} is no number") from None


def _one_of(known: Sequence[str], words: list[str], text: str) -> str:
    word = words.pop(0).upper() if words else ""
    if word not in known:
        raise _wrong(text, f"{word or 'nothing'} is none of {', '.join(known)}")
    return word


def _wrong(text: str, why: str) -> CliError:
    return CliError(f'"{text}" is no limit: {why}. Say it like "COST DAY 25 HARD".', MISUSED)
