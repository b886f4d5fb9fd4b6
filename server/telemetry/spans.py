"""Traces: a span per request, under it the wait for a commit, the commit, and the queries of both.

Names follow OpenTelemetry's conventions for HTTP servers and databases. What nobody traces (the fold, the
relay, a request that the sampler left out) makes no spans of its own.
"""

import contextlib
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import Final, cast

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    Link,
    Span,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    format_span_id,
    format_trace_id,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

LINKS_MAX: Final = 128
"""As many links as a span has by OpenTelemetry's default."""
SERVER_ERRORS: Final = 500
PROPAGATED: Final = (b"traceparent", b"tracestate")

Ended = Callable[[int], None]
"""Notes the status that a request is answered with."""

_PARENTS: Final = TraceContextTextMapPropagator()
_NOTHING: Final = contextlib.nullcontext()


def tracing(resource: Resource) -> TracerProvider:
    """A tracer provider as the standard variables describe it: sampler, limits, endpoint, headers."""
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


class Spans:
    """Starts spans. ``ledger.ports.CommitSpans``, and ``query`` for ``graph.database``."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    @contextlib.contextmanager
    def request(self, method: str, route: str, headers: Iterable[tuple[bytes, bytes]]) -> Generator[Ended]:
        """Around one request; logs written meanwhile name its trace."""
        carrier = {name.decode(): value.decode("latin-1") for name, value in headers if name in PROPAGATED}
        attributes = {"http.request.method": method, "http.route": route, "url.scheme": "http"}
        with self._tracer.start_as_current_span(
            f"{method} {route}",
            context=_PARENTS.extract(carrier) if carrier else None,
            kind=SpanKind.SERVER,
            attributes=attributes,
            # An error's message may hold what a caller sent: its class is enough.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:

            def ended(status: int) -> None:
                span.set_attribute("http.response.status_code", status)
                if status >= SERVER_ERRORS:
                    span.set_attribute("error.type", str(status))
                    span.set_status(Status(StatusCode.ERROR))

            if not span.is_recording():
                yield ended
                return
            context = span.get_span_context()
            with structlog.contextvars.bound_contextvars(
                trace_id=format_trace_id(context.trace_id), span_id=format_span_id(context.span_id)
            ):
                yield ended

    def waiting(self, commands: int) -> contextlib.AbstractContextManager[Span | None]:
        """Around the wait of a call for its commit."""
        if not get_current_span().is_recording():
            return _NOTHING
        return self._within("ledger.wait", SpanKind.INTERNAL, {"costgraph.commands": commands})

    @contextlib.contextmanager
    def committing(self, commands: int, calls: Sequence[object]) -> Generator[None]:
        """Around a commit: it lies under the first call that waits for it, and is linked with all others."""
        waits = cast("Sequence[Span]", calls)
        if not waits:
            yield
            return
        first, others = waits[0], waits[1 : LINKS_MAX + 1]
        with self._tracer.start_as_current_span(
            "ledger.commit",
            context=set_span_in_context(first),
            attributes={"costgraph.commands": commands, "costgraph.calls": len(waits)},
            links=[Link(each.get_span_context()) for each in others],
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            for each in others:
                each.add_link(span.get_span_context())
            yield

    def query(self, name: str) -> contextlib.AbstractContextManager[object]:
        """Around one query of something that is traced; its text and its parameters stay here."""
        if not get_current_span().is_recording():
            return _NOTHING
        attributes = {"db.system.name": "neo4j", "db.operation.name": name, "db.query.summary": name}
        return self._within(name, SpanKind.CLIENT, attributes)

    @contextlib.contextmanager
    def _within(self, name: str, kind: SpanKind, attributes: Mapping[str, str | int]) -> Generator[Span]:
        with self._tracer.start_as_current_span(
            name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span
            except Exception as error:
                span.set_attribute("error.type", type(error).__qualname__)
                span.set_status(Status(StatusCode.ERROR))
                raise
