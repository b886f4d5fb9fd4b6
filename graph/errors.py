"""The error tree of the graph room.

GraphError
+ EngineError                 an engine cannot be started, owned or reached
  + EngineUnsupported         no embedded engine for this platform: point at a Neo4j
  + EngineStartFailed         the embedded engine did not come up; its log says why
  + DataFolderInUse           another server owns the data folder
  + EngineUnavailable         the engine does not answer (retryable)
    + CommitUncertain         the connection broke during COMMIT: it may or may not have happened
  + EngineRefused             wrong user name or password, or no right to the database
+ StatementError              the engine answered with an error
  + ConstraintViolation       a uniqueness constraint: somebody else was first, read again
  + TransactionConflict       deadlock, optimistic conflict, leader switch (retryable)
    + RecordMissed            a query met a record that another transaction had just changed
+ BackupFailed                a backup cannot be made, or cannot be restored
+ MigrationError              the schema of the graph and of this version do not fit
  + GraphIsNewer              the graph was written by a newer version: refused, untouched
  + MigrationChanged          a migration that was applied has another text now

``retryable`` says: running the same transaction again, unchanged, may well succeed.
"""

from typing import ClassVar


class GraphError(Exception):
    """The base of everything that this room raises."""

    retryable: ClassVar[bool] = False


class EngineError(GraphError):
    """An engine cannot be started, owned or reached."""


class EngineUnsupported(EngineError):
    """The embedded engine has no build for this platform."""


class EngineStartFailed(EngineError):
    """The embedded engine did not become ready."""


class DataFolderInUse(EngineError):
    """Another server owns the data folder; ``address`` is that of its API where it is known."""

    def __init__(self, message: str, address: str | None = None) -> None:
        """Keep the running server's API address beside the message."""
        super().__init__(message)
        self.address = address


class EngineUnavailable(EngineError):
    """The engine does not answer; nothing was committed."""

    retryable = True


class CommitUncertain(EngineUnavailable):
    """The connection broke while a COMMIT was on its way: whether it happened is unknown.

    Not retryable as it is: only a transaction that first reads what is there may run again.
    """

    retryable = False


class EngineRefused(EngineError):
    """The engine answered, and refused us: credentials or rights."""


class StatementError(GraphError):
    """The engine answered a statement with an error; ``code`` is the engine's own."""

    def __init__(self, message: str, code: str | None = None) -> None:
        """Keep the engine's code beside the message."""
        super().__init__(message)
        self.code = code


class ConstraintViolation(StatementError):
    """A uniqueness constraint refused a write: read again, and decide again."""


class TransactionConflict(StatementError):
    """The transaction lost against another one (deadlock, optimistic conflict) or a leader moved."""

    retryable = True


class RecordMissed(TransactionConflict):
    """A query came upon a record that another transaction had just added, moved or removed."""


class BackupFailed(GraphError):
    """A backup cannot be made, or is none that can be restored; what was there is as it was."""


class MigrationError(GraphError):
    """The schema of the graph and that of this version do not fit."""


class GraphIsNewer(MigrationError):
    """The graph was written by a newer version of Costgraph."""


class MigrationChanged(MigrationError):
    """A migration that the graph has applied reads differently in this version."""
