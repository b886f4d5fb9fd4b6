"""A server that starts, as a process: connects, waits for a line, migrates, says what it applied."""

import json
import sys

from graph.database import Database
from graph.engines import Connection
from graph.migrations import MIGRATIONS, migrate

if __name__ == "__main__":
    with Database(Connection(**json.loads(sys.argv[1]))) as database:
        database.verify()
        sys.stdout.write("connected\n")
        sys.stdout.flush()
        sys.stdin.readline()
        sys.stdout.write(json.dumps(migrate(database, MIGRATIONS)))
