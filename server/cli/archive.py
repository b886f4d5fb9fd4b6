"""``costgraph archive``: raw usage that the graph needs no more, as files."""

import contextlib
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli.errors import CliError
from server.cli.options import DataDir, Json, Key, Url, Where

if TYPE_CHECKING:
    from server.cli.api import Api

PAGE = 500
CHECKED_AT_ONCE = 10
MEBIBYTE = 2**20
ARCHIVE = """
mutation Archive($input: ArchiveUsageInput!) {
  archiveUsage(input: $input) {
    looked operations through olderThan kept { reason operations } archive { file sizeBytes }
    pageInfo { hasNextPage endCursor }
  }
}
"""
LIST = """
query Archives($first: Int!, $after: String) {
  archives(first: $first, after: $after) {
    nodes { archiveId file sha256 sizeBytes rows operations from until createdAt }
    pageInfo { hasNextPage endCursor }
  }
}
"""
CHECK = """
query Check($first: Int!, $after: String) {
  archives(first: $first, after: $after) {
    nodes { archiveId file operations state } pageInfo { hasNextPage endCursor }
  }
}
"""
ORPHANS = "{ archiveOrphans }"
SHOW = """
query Show($operationId: ID!) {
  archivedOperation(operationId: $operationId) { archive { archiveId file sha256 } content }
}
"""

app = typer.Typer(
    name="archive",
    no_args_is_help=True,
    help="Take raw usage out of the graph into files, and look after these.",
)


@app.command()
def run(
    older_than: Annotated[
        int, typer.Option("--older-than", metavar="DAYS", help="In whole days (UTC), at least 35.")
    ],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be archived, and change nothing.")
    ] = False,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Archive raw usage that is older than so many days.

    Each operation becomes a line of a file in the server's folder of archives. What it cost stays in the
    graph: entries, rollups, windows, and its id, which is never charged again. What is not priced, not
    folded or not told to webhooks yet, or belongs to an open reservation, stays. Stopped half-way, it is
    simply run again: nothing is archived twice.

      costgraph archive run --older-than 90 --dry-run
      costgraph archive run --older-than 90
    """
    from server.cli.api import connected

    looked = operations = files = size = 0
    kept: Counter[str] = Counter()
    after: str | None = None
    with connected(Where(url, key, data_dir)) as api, _progress("archiving") as reached:
        while True:
            asked = {"olderThanDays": older_than, "dryRun": dry_run, "after": after}
            page = api.graphql(ARCHIVE, {"input": asked})["archiveUsage"]
            looked, operations = looked + page["looked"], operations + page["operations"]
            for each in page["kept"]:
                kept[each["reason"]] += each["operations"]
            if page["archive"] is not None:
                files, size = files + 1, size + page["archive"]["sizeBytes"]
            reached(looked, page["through"])
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
    found = {
        "looked": looked,
        "operations": operations,
        "files": files,
        "sizeBytes": size,
        "kept": dict(kept),
    }
    _show_run(found, page["olderThan"], dry_run=dry_run, as_json=as_json)


def _show_run(found: dict[str, Any], older_than: str, *, dry_run: bool, as_json: bool) -> None:
    from server.cli.show import console

    out = console()
    if as_json:
        out.print_json(data=found)
        return
    done = "would be archived" if dry_run else "archived"
    out.print(f"[bold]{found['operations']:,} operations[/bold] from before {older_than} {done}")
    if found["files"]:
        out.print(f"{found['files']:,} files, {found['sizeBytes'] / MEBIBYTE:,.1f} MiB")
    for reason, count in sorted(found["kept"].items()):
        out.print(f"{count:,} stay: {reason.lower()}")


@app.command("list")
def list_archives(
    *,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """List the files that raw usage was archived in, those of the latest usage first.

    costgraph archive list
    """
    from server.cli.api import connected
    from server.cli.show import console, table

    with connected(Where(url, key, data_dir)) as api:
        found = list(_archives(api, LIST, PAGE))
    out = console()
    if as_json:
        out.print_json(data=found)
        return
    right = {"operations", "MiB"}
    shown = table("file", "operations", "MiB", "from", "until", "archived", right=right)
    for each in found:
        instants = (each[name][:19].replace("T", " ") for name in ("from", "until", "createdAt"))
        shown.add_row(
            each["file"], f"{each['operations']:,}", f"{each['sizeBytes'] / MEBIBYTE:,.2f}", *instants
        )
    out.print(shown)


@app.command()
def show(
    operation: Annotated[str, typer.Argument(help="The operation's id.")],
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Show an archived operation, read from its file, whose hash is checked.

    costgraph archive show call-1
    """
    from server.cli.api import connected
    from server.cli.show import console

    with connected(Where(url, key, data_dir)) as api:
        found = api.graphql(SHOW, {"operationId": operation})["archivedOperation"]
    if found is None:
        raise CliError(f"{operation} is not archived: it is in the graph, or nobody recorded it.")
    console().print_json(data=found["content"])
    if found["archive"] is not None:
        console(stderr=True).print(f"from {found['archive']['file']}", style="dim", markup=False)


@app.command()
def check(
    *,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Compare the files with what was archived: every hash, and every operation.

    Exits with 1 where a file is missing, damaged or incomplete. Files that no archive names are told, too:
    runs that were killed leave some, and what they hold is in the graph or in another file.

      costgraph archive check
    """
    from server.cli.api import connected
    from server.cli.show import console

    out, good, bad = console(), 0, 0
    with connected(Where(url, key, data_dir)) as api, _progress("checking") as reached:
        for number, each in enumerate(_archives(api, CHECK, CHECKED_AT_ONCE), 1):
            reached(number, None)
            if each["state"] == "OK":
                good += 1
                continue
            bad += 1
            out.print(f"✗ {each['state'].lower()}: {each['file']}", style="bold red", markup=False)
        orphans: list[str] = api.graphql(ORPHANS)["archiveOrphans"]
    for name in orphans:
        out.print(f"! no archive names {name}", style="yellow", markup=False)
    if bad:
        raise CliError(f"{bad} of {good + bad} files are not what was archived.")
    out.print(f"[green]{good:,} files are what was archived.[/green]")


def _archives(api: "Api", query: str, first: int) -> Iterator[dict[str, Any]]:
    after: str | None = None
    while True:
        page = api.graphql(query, {"first": first, "after": after})["archives"]
        yield from page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


@contextlib.contextmanager
def _progress(what: str) -> Generator[Callable[[int, str | None], None]]:
    """How many there were, and up to when: nobody knows how many there will be."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from server.cli.show import console

    columns = [TextColumn(what), BarColumn(), TextColumn("{task.fields[rows]}"), TimeElapsedColumn()]
    screen = console(stderr=True)
    with Progress(*columns, console=screen, disable=not screen.is_terminal, transient=True) as shown:
        task = shown.add_task(what, total=None, rows="")

        def reached(count: int, through: str | None) -> None:
            until = "" if through is None else f", up to {through[:10]}"
            shown.update(task, rows=f"{count:,}{until}")

        yield reached
