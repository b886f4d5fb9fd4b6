"""``python -m bench``: every measure, on every engine there is, as JSON lines."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

from bench import (
    decide,
    events,
    leases,
    pricing,
    profile,
    raw,
    repricing,
    reservations,
    retention,
    service,
    start,
    streams,
)
from bench.engines import ENGINES, missing


def _evolution() -> None:
    from bench import evolution  # noqa: PLC0415 - numpy, pymoo and moocore are needed there only

    evolution.main()


PURE: dict[str, Callable[[], None]] = {
    "pricing": pricing.main,
    "decide": decide.main,
    "evolution": _evolution,
}
"""These need no engine."""

Measure = Callable[[str, float], Iterator[dict[str, Any]]]

MEASURES: dict[str, Measure] = {
    "raw": raw.run,
    "service": service.run,
    "reservations": reservations.run,
    "profile": profile.run,
    "streams": streams.run,
    "start": start.run,
    "repricing": repricing.run,
    "events": events.run,
    "retention": retention.run,
    "leases": leases.run,
}


def _rollups(engine: str, scale: float) -> Iterator[dict[str, Any]]:
    from bench import rollups  # noqa: PLC0415 - numpy is needed there only

    yield from rollups.measure(engine, scale)


MEASURES["rollups"] = _rollups


def main() -> None:
    """Run what was asked for and print it."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("measures", nargs="*", help=f"of {', '.join([*PURE, *MEASURES])}; default: all")
    parser.add_argument("--engine", choices=ENGINES, action="append", help="default: every engine there is")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="of loads and graphs; 0.1 is a quick look (default 1)"
    )
    options = parser.parse_args()
    wanted = options.measures or [*PURE, *MEASURES]
    unknown = [each for each in wanted if each not in {*PURE, *MEASURES}]
    if unknown:
        parser.error(f"there is no measure {unknown[0]}")
    for name in wanted:
        if name in PURE:
            PURE[name]()
    for engine in options.engine or ENGINES:
        if reason := missing(engine):
            sys.stderr.write(f"{engine} is left out: {reason}\n")
            continue
        for name in wanted:
            if name in MEASURES:
                for line in MEASURES[name](engine, options.scale):
                    _print({"measure": name, "engine": engine, **line})


def _print(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
