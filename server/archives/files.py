"""The files of archives: gzip of JSON lines, one folder per tenant, complete on the disk or not there at all.

A file is written under another name, flushed, and given its name, which is made of its content: written again
it is the same file. Only a file that nothing was archived by is ever deleted.
"""

import contextlib
import gzip
import hashlib
import os
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, Final, Self

from graph.engines.folder import sync
from ledger.archive import ArchiveFile
from pricing.calendar import to_datetime

SUFFIX: Final = ".jsonl.gz"
PART: Final = ".part"
PIECE_BYTES: Final = 2**20
HASH_LENGTH: Final = 16
"""How much of a file's hash is in its name."""


class ArchiveDamaged(Exception):
    """A file is not what was archived; the message says how."""


class ArchiveMissing(ArchiveDamaged):
    """There is no such file."""


class _Hashed:
    """A file that knows the hash and the length of what was written to it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.size += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


class Draft:
    """A file that is being written; it exists once it is published."""

    def __init__(self, root: Path, tenant: str) -> None:
        self._root = root
        self._folder = root / tenant
        for folder in (root, self._folder):
            if not folder.exists():
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                sync(folder.parent)
        for left in self._folder.glob(f".*{PART}"):  # by a process that died; one archives at a time
            left.unlink(missing_ok=True)
        self._part = self._folder / f".{os.getpid()}-{id(self)}{PART}"
        descriptor = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(descriptor, "wb")
        self._hashed = _Hashed(self._file)
        # No name and no time in its head: equal rows make an equal file.
        self._gzip = gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=self._hashed, mtime=0)  # pyright: ignore[reportArgumentType] - all that it needs of a file
        self._rows = 0
        self._from_us = self._until_us = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._gzip.close()
        self._file.close()
        self._part.unlink(missing_ok=True)

    def add(self, row: bytes, at_us: int) -> None:
        """Add a line; lines come in the order of time."""
        if not self._rows:
            self._from_us = at_us
        self._gzip.write(row)
        self._rows += 1
        self._until_us = at_us

    def publish(self) -> ArchiveFile:
        """Have it on the disk, under its name."""
        self._gzip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        sha256 = self._hashed.digest.hexdigest()
        archive_id = f"{self._from_us:016d}-{sha256[:HASH_LENGTH]}"
        name = f"{to_datetime(self._from_us):%Y%m%dT%H%M%SZ}-{sha256[:HASH_LENGTH]}{SUFFIX}"
        path = self._folder / name
        self._part.replace(path)
        sync(self._folder)
        return ArchiveFile(
            archive_id,
            path.relative_to(self._root).as_posix(),
            sha256,
            self._hashed.size,
            self._rows,
            self._from_us,
            self._until_us,
        )


def files_of(root: Path, tenant: str) -> list[str]:
    """The files of a tenant, each as its archive names it."""
    return sorted(path.relative_to(root).as_posix() for path in (root / tenant).glob(f"*{SUFFIX}"))


def rows_in(root: Path, archive: ArchiveFile) -> Iterator[bytes]:
    """The lines of a file that has been checked. Raises ``ArchiveDamaged``."""
    with _read(root, archive) as file:
        yield from gzip.GzipFile(fileobj=file)


def check_hash(root: Path, archive: ArchiveFile) -> None:
    """Raise ``ArchiveDamaged`` unless a file is there, byte for byte as it was written."""
    digest = hashlib.sha256()
    with _read(root, archive) as file:
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
    if digest.hexdigest() != archive.sha256:
        raise ArchiveDamaged(f"{archive.file} is damaged: its SHA-256 is {digest.hexdigest()}.")


def discard(root: Path, archive: ArchiveFile) -> None:
    """Forget a file that nothing was archived by."""
    _path(root, archive).unlink(missing_ok=True)


@contextlib.contextmanager
def _read(root: Path, archive: ArchiveFile) -> Generator[IO[bytes]]:
    try:
        with _path(root, archive).open("rb") as file:
            yield file
    except FileNotFoundError:
        raise ArchiveMissing(f"{archive.file} is not in the folder of archives.") from None
    except (OSError, EOFError, zlib.error) as error:
        raise ArchiveDamaged(f"{archive.file} cannot be read: {error}") from error


def _path(root: Path, archive: ArchiveFile) -> Path:
    path = root / archive.file
    if not path.resolve().is_relative_to(root.resolve()):
        raise ArchiveDamaged(f"{archive.file} is not in the folder of archives.")
    return path
