"""Logs: one line per event on standard error; standard output belongs to what a command was asked for."""

import logging
import sys

import structlog
from structlog.typing import Processor

SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def set_up_logs(level: int = logging.INFO) -> None:
    """One renderer for structlog and the standard library's loggers: JSON unless somebody watches."""
    watched = sys.stderr.isatty()
    renderer: Processor = structlog.dev.ConsoleRenderer() if watched else structlog.processors.JSONRenderer()
    traces: list[Processor] = [] if watched else [structlog.processors.format_exc_info]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*SHARED, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *traces, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # Drivers and clients tell of every connection below WARNING, and httpx the URLs that it calls.
    for noisy in ("uvicorn", "httpx", "httpcore", "neo4j", "strawberry"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
