"""OpenTelemetry of the service itself: traces and metrics to whatever collector the environment names.

It is on where one of the standard variables names an endpoint (``OTEL_EXPORTER_OTLP_ENDPOINT``) and the extra
``otel`` is installed; nothing of it is imported otherwise. No attribute names a tenant, a budget, an agent, a
key or anything else that a caller sent.
"""

import contextlib
import importlib.util
import threading
import uuid
from collections.abc import Callable, Generator
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import structlog

from server.metrics import Metrics
from server.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

    from server.telemetry.spans import Spans

SERVICE: Final = "costgraph"
EXPORTER: Final = "opentelemetry.exporter.otlp.proto.http"
"""What the extra brings."""
GOODBYE_SECONDS: Final = 3.0
"""What a collector has to take the last of it: a stop does not wait for one that does not answer."""

logger = structlog.get_logger("costgraph.telemetry")


class _Sending(Protocol):
    """What sends until it is shut down; then it sends what is left, if somebody takes it in time."""

    def shutdown(self) -> None:
        """Send what is left, and stop."""
        ...


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What is sent; None of it where nobody asked."""

    spans: "Spans | None" = None
    resource: "Resource | None" = None


@contextlib.contextmanager
def open_telemetry(settings: Settings) -> Generator[Telemetry]:
    """Traces, where an endpoint takes them; what is left is sent at the end."""
    if not settings.otlp_traces and not settings.otlp_metrics:
        yield Telemetry()
        return
    if not _installed():
        logger.warning(
            "telemetry_is_not_installed",
            hint="An OTLP endpoint is set. Install the extra: pip install 'costgraph[otel]'",
        )
        yield Telemetry()
        return
    resource = _resource(settings)
    if not settings.otlp_traces:
        yield Telemetry(resource=resource)
        return
    from server.telemetry.spans import Spans, tracing  # noqa: PLC0415 - of an extra, and slow to import

    with _stopped(tracing(resource)) as provider:
        yield Telemetry(Spans(provider.get_tracer(SERVICE, version(SERVICE))), resource)


@contextlib.contextmanager
def sending_metrics(
    settings: Settings, telemetry: Telemetry, metrics: Metrics, gauge: Callable[[], None]
) -> Generator[None]:
    """The figures of ``/metrics`` go out at intervals, where an endpoint takes them; ``gauge`` reads some."""
    if telemetry.resource is None or not settings.otlp_metrics:
        yield
        return
    from server.telemetry.figures import Sender  # noqa: PLC0415 - as above

    sender = Sender(telemetry.resource, metrics, gauge, settings.otel_metric_interval_ms / 1_000)
    sender.start()
    with _stopped(sender):
        try:
            yield
        finally:
            sender.stop_reading()


def _installed() -> bool:
    try:
        return importlib.util.find_spec(EXPORTER) is not None
    except ModuleNotFoundError:
        return False


def _resource(settings: Settings) -> "Resource":
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - as above

    return Resource.create(
        {
            "service.name": settings.otel_service_name,
            "service.version": version(SERVICE),
            "service.instance.id": str(uuid.uuid4()),  # several processes send the same figures
        }
    )


S = TypeVar("S", bound=_Sending)


@contextlib.contextmanager
def _stopped(sending: S) -> Generator[S]:
    try:
        yield sending
    finally:
        last = threading.Thread(target=sending.shutdown, name="telemetry-end", daemon=True)
        last.start()
        last.join(GOODBYE_SECONDS)
        if last.is_alive():
            logger.warning("telemetry_not_taken", hint="The OTLP endpoint does not answer.")
