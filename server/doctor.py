"""The examination of an installation: what is found, and what to do about it.

Every check looks at one thing and changes nothing. Only a failure keeps the service from its work.
"""

import shutil
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from graph.archives import files_of_all
from graph.database import Database
from graph.engines import Connection
from graph.errors import GraphError
from graph.health import clocks, pending
from graph.migrations import MIGRATIONS
from pricing.catalogue import load_catalogue
from server.settings import Settings
from server.shadows import Finding, State

GIBIBYTE: Final = 2**30
FREE_GIB_MIN: Final = 1
SECOND_US: Final = 1_000_000
CLOCK_SECONDS_MAX: Final = 2
PRICE_DAYS_MAX: Final = 90


def examine(settings: Settings, connection: Connection | None) -> Iterator[Finding]:
    """Every check, in the order in which an installation fails. ``connection`` is None without a graph."""
    yield prices()
    if settings.neo4j_uri is None:
        yield folder(settings.data_dir)
        yield disk(settings.data_dir)
    if connection is None:
        yield Finding("engine", State.WARNING, "there is no graph yet", "costgraph serve makes one.")
        return
    yield from graph(connection, settings)


def prices() -> Finding:
    """How old the price data may be."""
    catalogue, today = load_catalogue(), datetime.now(UTC).date()
    newest = catalogue.newest_change(today)
    known = f"genai-prices {catalogue.version}, newest change {newest}"
    if newest is None or (today - newest).days > PRICE_DAYS_MAX:
        step = "Upgrade genai-prices, or import a price file: costgraph prices import."
        return Finding("prices", State.WARNING, known, step)
    return Finding("prices", State.OK, known)


def folder(data_dir: Path) -> Finding:
    """Whether the data folder and its secrets are ours alone."""
    if not data_dir.is_dir():
        return Finding("folder", State.OK, f"{data_dir} is not there yet")
    secrets = [data_dir, *(data_dir / name for name in ("admin.key", "password"))]
    open_ones = [
        path for path in secrets if path.exists() and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    ]
    if open_ones:
        names = " ".join(map(str, open_ones))
        return Finding("folder", State.FAILED, f"others may read {names}", f"chmod go= {names}")
    return Finding("folder", State.OK, f"{data_dir} is closed to others")


def disk(data_dir: Path) -> Finding:
    """Whether there is room to write."""
    there = next(each for each in (data_dir, *data_dir.parents) if each.is_dir())
    free_gib = shutil.disk_usage(there).free / GIBIBYTE
    found = f"{free_gib:.1f} GiB free"
    if free_gib < FREE_GIB_MIN:
        return Finding("disk", State.FAILED, found, "Make room, or move the data folder: COSTGRAPH_DATA_DIR.")
    return Finding("disk", State.OK, found)


def graph(connection: Connection, settings: Settings) -> Iterator[Finding]:
    """The engine, the migrations, the clocks and the archives of a graph."""
    with Database(connection) as database:
        reached = _engine(database)
        yield reached
        if reached.state is State.OK:
            yield _guarded("migrations", database, migrations)
            yield _guarded("clock", database, clock)
            yield _guarded("archives", database, lambda each: archives(each, settings))


def _engine(database: Database) -> Finding:
    connection = database.connection
    try:
        database.verify()
    except GraphError as error:
        step = "Start it, and look at NEO4J_URI, NEO4J_USERNAME and NEO4J_PASSWORD."
        return Finding("engine", State.FAILED, str(error), step)
    return Finding("engine", State.OK, f"{connection.kind} answers at {connection.uri}")


def _guarded(name: str, database: Database, look: Callable[[Database], Finding]) -> Finding:
    try:
        return look(database)
    except GraphError as error:
        return Finding(name, State.FAILED, str(error), "Look at the engine's log.")


def migrations(database: Database) -> Finding:
    """Whether this version fits the graph."""
    waiting = pending(database, MIGRATIONS)
    if waiting:
        names = ", ".join(map(str, waiting))
        step = "costgraph serve applies them; back up before."
        return Finding("migrations", State.WARNING, f"{names} are not applied yet", step)
    return Finding("migrations", State.OK, f"all {len(MIGRATIONS)} are applied")


def clock(database: Database) -> Finding:
    """Whether the clocks agree: a ledger's time never goes back, so one ahead holds new entries there."""
    found = clocks(database)
    engine, ledger = found.engine_us / SECOND_US, found.ledger_us / SECOND_US
    if ledger > CLOCK_SECONDS_MAX:
        text = f"the ledger's time is {ledger:,.1f} s ahead of this machine's"
        step = "Set the clocks (NTP). Until then entries are booked at the ledger's time."
        return Finding("clock", State.FAILED, text, step)
    if abs(engine) > CLOCK_SECONDS_MAX:
        return Finding("clock", State.WARNING, f"the engine's clock is {engine:+,.1f} s off", "Set it (NTP).")
    return Finding("clock", State.OK, "engine, ledger and this machine agree")


def archives(database: Database, settings: Settings) -> Finding:
    """Whether raw usage is archived by itself, and whether the files of what was are there."""
    days, folder = settings.retention_days, settings.archives
    rule = "raw usage is kept" if days is None else f"raw usage is archived after {days} days"
    if pending(database, MIGRATIONS):
        return Finding("archives", State.OK, rule)
    found = files_of_all(database)
    known = f"{rule}; {found['archives']:,} archives of {found['operations']:,} operations"
    if found["archives"] and folder is None:
        step = "Set COSTGRAPH_ARCHIVE_DIR to the folder that they are in."
        return Finding("archives", State.WARNING, f"{known}, no folder to look for them", step)
    if folder is None or not folder.is_dir():
        missing = len(found["files"])
    else:
        missing = sum(not (folder / name).is_file() for name in found["files"])
    if missing:
        step = f"Bring them back into {folder} from your copies; costgraph archive check tells which."
        return Finding("archives", State.WARNING, f"{known}, {missing:,} of their files are missing", step)
    if folder is not None and folder.is_dir() and folder.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return Finding("archives", State.WARNING, f"others may read {folder}", f"chmod go= {folder}")
    return Finding("archives", State.OK, known)
