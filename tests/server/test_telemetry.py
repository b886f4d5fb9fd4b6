"""Traces and metrics of the service itself, sent to a real collector's door: OTLP over HTTP, decoded here."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.metrics.export import HistogramDataPoint
from prometheus_client.parser import text_string_to_metric_families

from graph.engines import Connection
from server.metrics import Metrics
from server.telemetry.figures import metrics_of
from tests.server.test_rest_usage import usage
from tests.support.outside import Outside, outside, saying
from tests.support.servers import Client, ServerProcess, eventually, on_engine

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"
TRACED = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
QUICK = {"OTEL_METRIC_EXPORT_INTERVAL": "200", "OTEL_BSP_SCHEDULE_DELAY": "100"}


@pytest.fixture
def collector() -> Generator[Outside]:
    with outside() as running:
        running.answers |= {"/v1/traces": saying(b""), "/v1/metrics": saying(b"")}
        yield running


@pytest.fixture(params=["arcadedb", "neo4j"])
def settings(request: pytest.FixtureRequest, data_dir: Path) -> dict[str, str]:
    """Of a server on either engine."""
    engine: Connection | None = request.getfixturevalue("server_neo4j") if request.param == "neo4j" else None
    return on_engine(data_dir, engine)


def traced_to(collector: Outside, settings: dict[str, str], **more: str) -> ServerProcess:
    return ServerProcess({**settings, **QUICK, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **more})


def spans_at(collector: Outside) -> list[Span]:
    """All spans that arrived."""
    found: list[Span] = []
    for asked in list(collector.asked):
        if asked.path == "/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(asked.body).resource_spans:
                assert "costgraph" in told(resource.resource.attributes)["service.name"]
                found += [span for scope in resource.scope_spans for span in scope.spans]
    return found


def told(attributes: Any) -> dict[str, Any]:
    """Attributes as a mapping."""
    pairs: list[KeyValue] = list(attributes)
    return {each.key: getattr(each.value, each.value.WhichOneof("value") or "string_value") for each in pairs}


def of_trace(collector: Outside, trace: str = TRACE) -> list[Span]:
    return [span for span in spans_at(collector) if span.trace_id.hex() == trace]


def test_a_request_its_wait_its_commit_and_their_queries_are_one_trace(
    collector: Outside, settings: dict[str, str], name: str
) -> None:
    with traced_to(collector, settings) as server, server.client() as client:
        assert client.post("/v1/usage", json=usage(name), headers=TRACED).status_code == 201
        eventually(lambda: any(span.name == "POST /v1/usage" for span in of_trace(collector)))
        spans = {span.name: span for span in of_trace(collector)}
        request, wait, commit = (spans[each] for each in ("POST /v1/usage", "ledger.wait", "ledger.commit"))
        assert request.parent_span_id.hex() == CALLER
        assert request.kind == Span.SPAN_KIND_SERVER
        assert told(request.attributes) == {
            "http.request.method": "POST",
            "http.route": "/v1/usage",
            "url.scheme": "http",
            "http.response.status_code": 201,
        }
        assert (wait.parent_span_id, commit.parent_span_id) == (request.span_id, wait.span_id)
        assert told(commit.attributes) == {"costgraph.commands": 1, "costgraph.calls": 1}
        queries = [span for span in spans.values() if span.parent_span_id == commit.span_id]
        assert {"ledger/lock", "ledger/write_batch"} <= {span.name for span in queries}
        for query in queries:
            assert query.kind == Span.SPAN_KIND_CLIENT
            assert told(query.attributes)["db.query.summary"] == query.name
            assert request.start_time_unix_nano <= query.start_time_unix_nano <= request.end_time_unix_nano

        client.ask("{ budgets(first: 5) { nodes { budgetId status { spent } } } }")
        eventually(lambda: any(span.name == "POST /graphql" for span in spans_at(collector)))
        asked = next(span for span in spans_at(collector) if span.name == "POST /graphql")
        below = [span for span in spans_at(collector) if span.parent_span_id == asked.span_id]
        assert {span.kind for span in below} == {Span.SPAN_KIND_CLIENT}, "reads lie under what reads"


def test_a_commit_for_many_calls_is_linked_with_each(
    collector: Outside, settings: dict[str, str], name: str
) -> None:
    def call(client: Client, number: int) -> int:
        return client.post("/v1/usage", json=usage(f"{name}-{number}")).status_code

    with traced_to(collector, settings) as server, server.client() as client, ThreadPoolExecutor(16) as pool:
        assert set(pool.map(lambda each: call(client, each), range(64))) == {201}

        def calls() -> list[Span]:
            return [span for span in spans_at(collector) if span.name == "ledger.wait"]

        def commits() -> dict[bytes, Span]:
            return {s.span_id: s for s in spans_at(collector) if s.name == "ledger.commit"}

        def all_there() -> bool:
            shared = [told(span.attributes)["costgraph.calls"] for span in commits().values()]
            return len(calls()) == 64 == sum(shared)

        eventually(all_there)
        assert len(commits()) < 64, "none of the commits was shared"
        first = {span.parent_span_id for span in commits().values()}
        for span in calls():
            if span.span_id not in first:
                (link,) = span.links
                assert span.span_id in {each.span_id for each in commits()[link.span_id].links}


def test_metrics_that_are_sent_are_those_that_are_shown(
    collector: Outside, settings: dict[str, str], name: str
) -> None:
    def latest() -> dict[str, Any]:
        bodies = [asked.body for asked in list(collector.asked) if asked.path == "/v1/metrics"]
        (resource,) = ExportMetricsServiceRequest.FromString(bodies[-1]).resource_metrics
        return {metric.name: metric for scope in resource.scope_metrics for metric in scope.metrics}

    with traced_to(collector, settings) as server, server.client() as client:
        for number in range(5):
            client.post("/v1/usage", json=usage(f"{name}-{number}"))
        assert client.post("/v1/reservations", json={}).status_code == 422
        shown = {
            sample.name: sample.value
            for family in text_string_to_metric_families(client.get("/metrics").text)
            for sample in family.samples
            if "_usage" in sample.labels.get("route", "") or not sample.labels
        }
        sent_before = len(collector.asked)
        eventually(lambda: len(collector.asked) > sent_before + 3)
        metrics = latest()
        (commits,) = metrics["costgraph.commits"].sum.data_points
        assert commits.as_double >= shown["costgraph_commits_total"] >= 5
        assert metrics["costgraph.commits"].sum.is_monotonic
        durations = metrics["http.server.request.duration"]
        assert durations.unit == "s"
        recorded = [
            point
            for point in durations.histogram.data_points
            if told(point.attributes)
            == {
                "http.request.method": "POST",
                "http.route": "/v1/usage",
                "http.response.status_code": 201,
            }
        ]
        (point,) = recorded
        assert point.count == 5 == sum(point.bucket_counts)
        assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
        (refused,) = (
            point
            for point in metrics["costgraph.refusals"].sum.data_points
            if told(point.attributes) == {"code": "INVALID"}
        )
        assert refused.as_double == 1


def test_nothing_that_a_caller_sent_goes_out(collector: Outside, data_dir: Path) -> None:
    secret = "somebody-elses-business"
    with traced_to(collector, on_engine(data_dir)) as server, server.client() as client:
        client.post("/v1/usage", json=usage(secret, agent_id=secret, tags={secret: secret}))
        client.post("/v1/usage", json=usage(secret, agent_id=secret, prompt_tokens=7))
        client.get(f"/v1/budgets/{secret}/status", headers={"baggage": f"a={secret}", "tracestate": "a=1"})
        client.get(f"/{secret}")
        client.ask("query($id: ID!) { budget(budgetId: $id) { name } }", id=secret)
        client.ask(f'{{ budget(budgetId: "{secret}") {{ {secret.replace("-", "_")} }} }}')
        key = server.admin_key
        assert server.stop() == 0
    names = {span.name for span in spans_at(collector)}
    assert "GET /v1/budgets/{budget_id:path}/status" in names
    bodies = b"".join(asked.body for asked in collector.asked)
    assert secret.encode() not in bodies
    assert key.encode() not in bodies


def test_logs_of_a_traced_request_name_its_trace(collector: Outside, data_dir: Path) -> None:
    with traced_to(collector, on_engine(data_dir)) as server, server.client() as client:
        # Where it finds no place for its graph it does not come back: a read outlives one that does.
        (data_dir / "databases").rename(data_dir / "moved")
        (data_dir / "databases").touch()
        os.kill(server.engine()["pid"], signal.SIGKILL)
        answer = client.get("/v1/reservations/none", headers=TRACED)
        assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        server.stop()
    lines = [json.loads(line) for line in server.last_words.splitlines()]
    assert TRACE in {line.get("trace_id") for line in lines if line["event"] == "engine_unavailable"}


@pytest.mark.parametrize("failure", ["silent", "refusing", "gone"])
def test_a_collector_that_fails_holds_up_nobody(failure: str, data_dir: Path, name: str) -> None:
    with ExitStack() as stack:
        collector = stack.enter_context(outside())
        behaviour = collector.silent() if failure == "silent" else saying(b"", "503 Service Unavailable")
        collector.answers |= {"/v1/traces": behaviour, "/v1/metrics": behaviour}
        endpoint = "http://127.0.0.1:9" if failure == "gone" else collector.url
        server = ServerProcess({**on_engine(data_dir), **QUICK, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})
        with server, server.client() as client:
            for number in range(20):
                assert client.post("/v1/usage", json=usage(f"{name}-{number}")).status_code == 201
            started = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - started < 15, "a stop waits for no collector"


def test_without_an_endpoint_nothing_of_it_is_loaded() -> None:
    code = (
        "import sys, server.services, server.app, server.telemetry;"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_signals_are_switched_off_one_by_one(collector: Outside, data_dir: Path, name: str) -> None:
    more = {"OTEL_TRACES_EXPORTER": "none", "OTEL_SERVICE_NAME": "costgraph-of-mine"}
    with traced_to(collector, on_engine(data_dir), **more) as server, server.client() as client:
        client.post("/v1/usage", json=usage(name))
        eventually(lambda: len(collector.asked) > 1)
        server.stop()
    assert {asked.path for asked in collector.asked} == {"/v1/metrics"}
    (resource,) = ExportMetricsServiceRequest.FromString(collector.asked[0].body).resource_metrics
    assert told(resource.resource.attributes)["service.name"] == "costgraph-of-mine"


def test_a_histogram_keeps_its_counts_and_bounds() -> None:
    metrics = Metrics()
    for seconds in (0.0005, 0.003, 0.003, 20):
        metrics.commit_seconds.observe(seconds)
    (duration,) = (m for m in metrics_of(metrics.families(), 1, 2) if m.name == "costgraph.commit.duration")
    (point,) = duration.data.data_points
    assert isinstance(point, HistogramDataPoint)
    bounds = {**dict(zip([*point.explicit_bounds, None], point.bucket_counts, strict=True))}
    assert (bounds[0.001], bounds[0.0025], bounds[0.005], bounds[None]) == (1, 0, 2, 1)
    assert (point.count, point.sum) == (4, pytest.approx(20.0065))
