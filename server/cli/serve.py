"""``costgraph serve``."""

from pathlib import Path
from typing import Annotated

import typer


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on (COSTGRAPH_HOST, 127.0.0.1).")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port (COSTGRAPH_PORT, 8600); 0 takes a free one.")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes on the port (COSTGRAPH_WORKERS, 1); several need a Neo4j.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the embedded engine (COSTGRAPH_DATA_DIR).")
    ] = None,
) -> None:
    """Run the server, until SIGTERM or Ctrl-C.

    Prints `ready http://HOST:PORT` once it can do its work, and stops with nothing acknowledged lost.
    Without NEO4J_URI it runs an embedded engine of its own; the path of the first admin key is printed.

      costgraph serve
      costgraph serve --port 0 --data-dir ./graph
      NEO4J_URI=bolt://db:7687 NEO4J_PASSWORD=… COSTGRAPH_ADMIN_KEY=… costgraph serve --workers 4
    """
    from server.logs import set_up_logs
    from server.run import serve as run
    from server.settings import load_settings

    settings = load_settings(host=host, port=port, workers=workers, data_dir=data_dir)
    set_up_logs()

    def ready(address: str) -> None:
        if settings.admin_key is None:
            typer.echo(f"admin key in {settings.admin_key_file}")
        typer.echo(f"ready {address}")

    run(settings, ready)
