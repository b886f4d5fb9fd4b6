"""``python -m tests.support.rollup_folder``: a process that folds in small steps until it is killed."""

import os
import sys
import time
from typing import cast

from graph.database import Database
from graph.engines import Connection
from graph.engines.connection import EngineKind
from graph.ledger import Trees
from graph.rollups import Folder, Rollups


def main() -> None:
    """Fold, and say so after the first time."""
    said = os.environ
    connection = Connection(
        said["URI"],
        said["USERNAME"],
        said["PASSWORD"],
        said["DATABASE"] or None,
        cast("EngineKind", said["KIND"]),
    )
    database = Database(connection)
    folder = Folder(database, Rollups(database, Trees(database)), fold_seqs=10)
    while True:
        folded = folder.fold_once(said["TENANT"])
        sys.stdout.write(f"{folded}\n")
        sys.stdout.flush()
        if not folded:
            time.sleep(0.01)


if __name__ == "__main__":
    main()
