"""The data folder of an embedded engine: its locks, its private files, the running server's address.

| file            | what it says                                                              |
| --------------- | ------------------------------------------------------------------------- |
| ``owner.lock``  | flock held by the server that owns the folder, as long as it lives        |
| ``engine.lock`` | flock held by the engine process, as long as it lives                     |
| ``engine.json`` | pid and ports of the running engine, written by the engine when it is ready |
| ``password``    | the generated password of the engine's root user; lives as long as the data |
| ``server.json`` | API address and pid of the running server, for the CLI                    |

Locks are the truth (the system drops them with their process), files are only what they say.
Files are 0600 and the folder is 0700.
"""

import json
import os
import secrets
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

if sys.platform != "win32":  # where nothing below is called: there is no embedded engine
    import fcntl

OWNER_LOCK = "owner.lock"
ENGINE_LOCK = "engine.lock"
ENGINE_FILE = "engine.json"
PASSWORD_FILE = "password"  # noqa: S105 - a file's name
SERVER_FILE = "server.json"


@dataclass(frozen=True)
class RunningServer:
    """The server that owns a data folder: ``address`` is the base URL of its API."""

    address: str
    pid: int


def prepare(folder: Path) -> Path:
    """Create the folder if need be, close it to other users, and return its absolute path."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder.resolve()


def try_lock(path: Path) -> int | None:
    """Take the exclusive lock of a file: its descriptor, or ``None`` where somebody has it.

    The descriptor is not inherited by child processes; closing it gives the lock back.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def wait_lock(path: Path) -> int:
    """Wait until the exclusive lock of a file is free and take it; a descriptor like ``try_lock``'s."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock of this file."""
    descriptor = try_lock(path)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


def write_private(path: Path, text: str) -> None:
    """Write a file at once (readers see the old or the new one), readable by its owner only."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_json(path: Path) -> dict[str, Any] | None:
    """The JSON object of a file, or ``None`` where it does not exist."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def root_password(folder: Path) -> str:
    """The password of the engine's root user, made at the first call."""
    path = folder / PASSWORD_FILE
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32))
    return path.read_text(encoding="utf-8").strip()


def write_server(folder: Path, address: str) -> None:
    """Say where this process, which owns the folder, serves its API."""
    write_private(folder / SERVER_FILE, json.dumps(asdict(RunningServer(address, os.getpid()))))


def read_server(folder: Path) -> RunningServer | None:
    """The running server of this folder, or ``None``: a file that a dead server left does not count."""
    found = read_json(folder / SERVER_FILE)
    if found is None or not is_locked(folder / OWNER_LOCK):
        return None
    return RunningServer(address=found["address"], pid=found["pid"])


def remove_server(folder: Path) -> None:
    """Forget the address of this process."""
    (folder / SERVER_FILE).unlink(missing_ok=True)
