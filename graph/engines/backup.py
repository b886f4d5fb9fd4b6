"""Backups of the embedded engine: made while it runs, restored into a folder that has no graph yet.

A backup is the engine's own: an image of its pages as of one transaction, packed into a ZIP file. Writers go
on meanwhile, and nothing that was committed before it began is missing. Restoring unpacks it beside the place
where the graph is to be, flushes every file, and moves it there in one step: after a crash there is either no
graph or all of it. Users and passwords of the engine are not in it: a folder has its own.
"""

import base64
import contextlib
import json
import os
import shutil
import zipfile
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO, Any, Final

from graph.engines import folder as files
from graph.engines.embedded import DATABASE, graph_folder, own
from graph.errors import BackupFailed, DataFolderInUse

BACKUP_SECONDS_MAX: Final = 3_600.0
PIECE_BYTES: Final = 2**20
SCHEMA_FILE: Final = "schema.json"
"""What every backup of the engine holds."""
RESTORING_FOLDER: Final = ".restoring"


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup file."""

    path: Path
    size_bytes: int


def back_up(folder: Path, to: Path) -> Backup:
    """Have the engine that runs on a folder write a backup, which appears at ``to`` when it is on the disk.

    Raises ``BackupFailed``, also where there is such a file, and ``OSError``.
    """
    folder = folder.resolve()
    if to.exists():
        raise BackupFailed(f"{to} exists: a backup never overwrites anything.")
    made = folder / "backups" / DATABASE / _ask(folder)
    part = to.with_name(f".{to.name}.part")
    try:
        _move(made, part)
        part.chmod(0o600)
        files.sync(part)
        part.replace(to)
        files.sync(to.parent)
    finally:
        made.unlink(missing_ok=True)
        part.unlink(missing_ok=True)
    return Backup(to, to.stat().st_size)


def restore(backup: Path, data_dir: Path) -> int:
    """Unpack a backup into a folder that has no graph; how many bytes it holds.

    Raises ``BackupFailed``, ``DataFolderInUse``, ``OSError``; the folder then has no graph, as before.
    """
    folder = files.prepare(data_dir)
    place, aside = graph_folder(folder), folder / RESTORING_FOLDER
    owner = own(folder)
    try:
        if files.is_locked(folder / files.ENGINE_LOCK):
            raise DataFolderInUse(f"An engine still runs on {folder}; it ends by itself within a minute.")
        if place.exists():
            raise BackupFailed(f"{folder} holds a graph: restore into another folder.")
        shutil.rmtree(aside, ignore_errors=True)  # of a restore that was interrupted
        try:
            size = _unpack(backup, aside)
            place.parent.mkdir(mode=0o700, exist_ok=True)
            aside.replace(place)
            files.sync(place.parent)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    finally:
        os.close(owner)
    return size


def _ask(folder: Path) -> str:
    """The engine's command, over its own HTTP: the name of the file that it wrote."""
    described = files.read_json(folder / files.ENGINE_FILE)
    if described is None or not files.is_locked(folder / files.ENGINE_LOCK):
        raise BackupFailed(f"No engine runs on {folder}.")
    user = base64.b64encode(f"root:{files.root_password(folder)}".encode()).decode()
    headers = {"Authorization": f"Basic {user}", "Content-Type": "application/json"}
    body = json.dumps({"language": "sql", "command": "backup database"})
    connection = HTTPConnection("127.0.0.1", described["http_port"], timeout=BACKUP_SECONDS_MAX)
    with contextlib.closing(connection):
        try:
            connection.request("POST", f"/api/v1/command/{DATABASE}", body, headers)
            response = connection.getresponse()
            answer: Any = json.loads(response.read())
        except (OSError, HTTPException, ValueError) as error:
            raise BackupFailed(f"The engine made no backup: {error}") from error
    if response.status != HTTPStatus.OK:
        raise BackupFailed(f"The engine made no backup: {answer.get('detail') or answer.get('error')}")
    return Path(answer["result"][0]["backupFile"]).name


def _unpack(backup: Path, aside: Path) -> int:
    """Every file of a backup, checked and flushed."""
    try:
        with zipfile.ZipFile(backup) as archive:
            infos = archive.infolist()
            if SCHEMA_FILE not in {info.filename for info in infos}:
                raise BackupFailed(f"{backup} is no backup of a Costgraph: it holds no {SCHEMA_FILE}.")
            size = sum(info.file_size for info in infos)
            free = shutil.disk_usage(aside.parent).free
            if size > free:
                raise BackupFailed(f"{backup} needs {size} bytes, and {free} are free on the disk.")
            aside.mkdir(mode=0o700)
            for info in infos:
                if Path(info.filename).name != info.filename or "\\" in info.filename:
                    raise BackupFailed(f"{backup} is no backup of a Costgraph: it holds {info.filename!r}.")
                with archive.open(info) as packed:
                    _write(packed, aside / info.filename)
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise BackupFailed(f"{backup} is damaged, or no backup: {error}") from error
    files.sync(aside)
    return size


def _write(packed: IO[bytes], path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        shutil.copyfileobj(packed, file, PIECE_BYTES)
        file.flush()
        os.fsync(file.fileno())


def _move(made: Path, part: Path) -> None:
    try:
        made.replace(part)
    except OSError:  # another file system
        shutil.copyfile(made, part)
