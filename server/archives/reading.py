"""Reads of archives: an operation's line, whether a file is what was archived, files without an archive."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from graph.archives import Archives
from ledger.archive import ArchiveState, StoredArchive
from ledger.errors import NotFound, Unavailable
from ledger.model import id_of, uid_of
from server.archives.files import ArchiveDamaged, ArchiveMissing, check_hash, files_of, rows_in

PAGE: Final = 500
CLAIMS: Final = 5_000

Row = dict[str, Any]


class ArchiveReader:
    """Thread-safe. ``folder`` is None in a process without archives."""

    def __init__(self, archives: Archives, folder: Path | None) -> None:
        self._archives = archives
        self._folder = folder

    @property
    def folder(self) -> Path:
        """The folder of archives. Raises ``Unavailable`` where none is set."""
        if self._folder is None:
            raise Unavailable("This server has no folder of archives: set COSTGRAPH_ARCHIVE_DIR.")
        return self._folder

    def row(self, usage_uid: str) -> tuple[StoredArchive, Row] | None:
        """An operation's archive and its line there; None where it is not archived.

        Raises ``NotFound`` where the file is missing, damaged, or does not have it.
        """
        holder = self._archives.holder(usage_uid)
        archive = None if holder is None else self._archives.get(holder)
        if archive is None:
            return None
        try:
            check_hash(self.folder, archive.file)
            for row in self._rows(archive):
                if row["operation_id"] == id_of(usage_uid):
                    return archive, row
        except ArchiveDamaged as error:
            raise NotFound(str(error), field="operation_id") from error
        raise NotFound(f"{archive.file.file} does not hold {id_of(usage_uid)}.", field="operation_id")

    def state(self, archive: StoredArchive) -> ArchiveState:
        """Whether a file is what was archived."""
        try:
            check_hash(self.folder, archive.file)
            uids = [uid_of(archive.tenant, row["operation_id"]) for row in self._rows(archive)]
        except ArchiveMissing:
            return ArchiveState.MISSING
        except (ArchiveDamaged, orjson.JSONDecodeError):
            return ArchiveState.DAMAGED
        claimed = sum(
            self._archives.claimed(archive, uids[begin : begin + CLAIMS])
            for begin in range(0, len(uids), CLAIMS)
        )
        complete = claimed == archive.operations and len(uids) == archive.file.rows
        return ArchiveState.OK if complete else ArchiveState.INCOMPLETE

    def orphans(self, tenant: str) -> Sequence[str]:
        """Files of a tenant that no archive names: of runs that were killed. All of it is elsewhere, too."""
        found = set(files_of(self.folder, tenant))
        before_id: str | None = None
        while found:
            page = self._archives.page(tenant, before_id, PAGE)
            found -= {each.file.file for each in page}
            if len(page) < PAGE:
                break
            before_id = page[-1].file.archive_id
        return sorted(found)

    def _rows(self, archive: StoredArchive) -> Iterator[Row]:
        return (orjson.loads(line) for line in rows_in(self.folder, archive.file))
