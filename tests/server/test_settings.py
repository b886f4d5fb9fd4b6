"""The environment, checked before anything starts."""

from pathlib import Path

import pytest

from server.settings import Settings, SettingsError, load_settings, variable_of

KEY = "k" * 32


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields:
        monkeypatch.delenv(variable_of(field), raising=False)


def test_the_defaults_are_an_embedded_engine_on_loopback() -> None:
    settings = load_settings()
    assert settings.neo4j is None
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8600, 1)
    assert settings.data_dir == Path("~/.local/share/costgraph").expanduser()
    assert settings.admin_key_file.parent == settings.data_dir
    assert (settings.retention_days, settings.archives) == (None, settings.data_dir / "archive")
    assert (settings.networks, settings.outbound_http, settings.price_files_dir) == ((), False, None)


def test_every_variable_of_the_contract_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = {
        "NEO4J_URI": "neo4j+s://graph.example:7687",
        "NEO4J_USERNAME": "costgraph",
        "NEO4J_PASSWORD": "secret",
        "NEO4J_DATABASE": "costs",
        "COSTGRAPH_DATA_DIR": str(tmp_path),
        "COSTGRAPH_HOST": "0.0.0.0",  # noqa: S104 - read, not bound
        "COSTGRAPH_PORT": "9000",
        "COSTGRAPH_WORKERS": "3",
        "COSTGRAPH_ADMIN_KEY": KEY,
        "COSTGRAPH_OUTBOUND_NETWORKS": "10.0.0.0/8, fd00::/8",
        "COSTGRAPH_OUTBOUND_HTTP": "true",
        "COSTGRAPH_PRICE_FILES_DIR": str(tmp_path / "prices"),
        "COSTGRAPH_ALLOWED_ORIGINS": "https://app.example.com, http://localhost:3000",
        "COSTGRAPH_WEBHOOK_RETRY_SECONDS": "0.5,60",
        "COSTGRAPH_WEBHOOK_DEAD_LETTERS": "50",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://traces:4318/v1/traces",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://metrics:4318/v1/metrics",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_SDK_DISABLED": "false",
        "OTEL_SERVICE_NAME": "costs",
        "OTEL_METRIC_EXPORT_INTERVAL": "5000",
        "COSTGRAPH_RETENTION_DAYS": "90",
        "COSTGRAPH_ARCHIVE_DIR": str(tmp_path / "old"),
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.neo4j is not None
    assert settings.neo4j.uri == given["NEO4J_URI"]
    assert (settings.neo4j.username, settings.neo4j.password) == ("costgraph", "secret")
    assert settings.neo4j.database == "costs"
    assert settings.neo4j.kind == "neo4j"
    assert settings.data_dir == tmp_path
    assert (settings.host, settings.port, settings.workers) == (given["COSTGRAPH_HOST"], 9000, 3)
    assert settings.admin_key is not None
    assert settings.admin_key.get_secret_value() == KEY
    assert [str(each) for each in settings.networks] == ["10.0.0.0/8", "fd00::/8"]
    assert settings.outbound_http
    assert settings.price_files_dir == tmp_path / "prices"
    assert settings.origins == {"https://app.example.com", "http://localhost:3000"}
    assert (settings.webhook_pauses, settings.webhook_dead_letters) == ((0.5, 60), 50)
    assert (settings.otlp_traces, settings.otlp_metrics) == (True, False)
    assert (settings.otel_service_name, settings.otel_metric_interval_ms) == ("costs", 5_000)
    assert (settings.retention_days, settings.archives) == (90, tmp_path / "old")
    assert sorted(map(variable_of, Settings.model_fields)) == sorted(given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"NEO4J_URI": "http://db:7474", "COSTGRAPH_ADMIN_KEY": KEY},
            "NEO4J_URI: must begin with one of bolt://",
        ),
        ({"NEO4J_URI": "bolt://db:7687"}, "COSTGRAPH_ADMIN_KEY is required with NEO4J_URI"),
        ({"COSTGRAPH_ADMIN_KEY": "k" * 31}, "COSTGRAPH_ADMIN_KEY: needs at least 32 characters"),
        ({"COSTGRAPH_WORKERS": "2"}, "COSTGRAPH_WORKERS=2 needs NEO4J_URI"),
        ({"COSTGRAPH_WORKERS": "0"}, "COSTGRAPH_WORKERS: Input should be greater than or equal to 1"),
        (
            {"COSTGRAPH_OUTBOUND_NETWORKS": "10.0.0.1/8"},
            "COSTGRAPH_OUTBOUND_NETWORKS: 10.0.0.1/8 has host bits set",
        ),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL: Input should be 'http/proto"),
        ({"COSTGRAPH_ALLOWED_ORIGINS": "app.example.com"}, "COSTGRAPH_ALLOWED_ORIGINS: must hold origins"),
        ({"COSTGRAPH_WEBHOOK_RETRY_SECONDS": "0"}, "COSTGRAPH_WEBHOOK_RETRY_SECONDS: must hold seconds"),
        ({"COSTGRAPH_WEBHOOK_RETRY_SECONDS": "soon"}, "COSTGRAPH_WEBHOOK_RETRY_SECONDS: could not convert"),
        (
            {"COSTGRAPH_RETENTION_DAYS": "34"},
            "COSTGRAPH_RETENTION_DAYS: Input should be greater than or equal to 35",
        ),
        (
            {
                "NEO4J_URI": "bolt://db:7687",
                "COSTGRAPH_ADMIN_KEY": KEY,
                "COSTGRAPH_RETENTION_DAYS": "90",
            },
            "COSTGRAPH_ARCHIVE_DIR is required with NEO4J_URI and COSTGRAPH_RETENTION_DAYS",
        ),
        ({"COSTGRAPH_PORT": "http"}, "COSTGRAPH_PORT: Input should be a valid integer"),
        ({"COSTGRAPH_PORT": "70000"}, "COSTGRAPH_PORT: Input should be less than or equal to 65535"),
    ],
)
def test_a_bad_environment_is_told_by_its_variables(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], message: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match="^" + message.replace("+", r"\+")) as caught:
        load_settings()
    assert KEY[:31] not in str(caught.value)


def test_secrets_never_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_URI", "bolt://db:7687")
    monkeypatch.setenv("NEO4J_PASSWORD", "open-sesame")
    monkeypatch.setenv("COSTGRAPH_ADMIN_KEY", KEY)
    settings = load_settings()
    for text in (repr(settings), str(settings), repr(settings.neo4j)):
        assert "open-sesame" not in text
        assert KEY not in text


def test_an_option_of_the_command_line_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSTGRAPH_PORT", "9000")
    assert load_settings(port=9001, host=None).port == 9001
