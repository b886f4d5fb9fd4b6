"""What is read from the environment, checked before anything starts."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from graph.engines import Connection
from ledger.archive import RETENTION_DAYS_MIN

ADMIN_KEY_LENGTH_MIN = 32
RETRY_SECONDS_MAX = 86_400
ORIGIN = re.compile(r"https?://[^/?#\s,@]+")
NEO4J_SCHEMES = ("bolt://", "bolt+s://", "bolt+ssc://", "neo4j://", "neo4j+s://", "neo4j+ssc://")


class SettingsError(Exception):
    """The environment does not make sense; the message names each variable at fault."""


class Settings(BaseSettings):
    """The settings of one server. Every field is one environment variable."""

    model_config = SettingsConfigDict(
        env_prefix="COSTGRAPH_", populate_by_name=True, env_ignore_empty=True, extra="ignore", frozen=True
    )

    neo4j_uri: str | None = Field(
        default=None, validation_alias="NEO4J_URI", description="the Neo4j to use; unset: the embedded engine"
    )
    neo4j_username: str = Field(
        default="neo4j", validation_alias="NEO4J_USERNAME", description="its user's name"
    )
    neo4j_password: SecretStr | None = Field(
        default=None, validation_alias="NEO4J_PASSWORD", description="its user's password"
    )
    neo4j_database: str | None = Field(
        default=None,
        validation_alias="NEO4J_DATABASE",
        description="its database; unset: the user's home database",
    )
    data_dir: Path = Field(
        default=Path("~/.local/share/costgraph"),
        validate_default=True,
        description="the folder of the embedded engine",
    )
    host: str = Field(default="127.0.0.1", description="the address to listen on")
    port: int = Field(default=8600, ge=0, le=65535, description="the port to listen on; 0: any free one")
    workers: int = Field(
        default=1, ge=1, le=64, description="server processes on the port; more than one needs a Neo4j"
    )
    admin_key: SecretStr | None = Field(
        default=None,
        description="the admin key, at least 32 characters; required with a Neo4j, generated without one",
    )
    outbound_networks: str | None = Field(
        default=None,
        description="networks that are not public and may be called all the same: `10.0.0.0/8,fd00::/8`",
    )
    outbound_http: bool = Field(
        default=False, description="whether plain http is called too; without it: https only"
    )
    price_files_dir: Path | None = Field(
        default=None, description="the folder that price sources may read files from; unset: none"
    )
    allowed_origins: str = Field(
        default="",
        description="further origins whose pages may open a WebSocket, with commas; the server's own may",
    )
    webhook_retry_seconds: str = Field(
        default="5,30,120,600,1800,3600,7200,14400,28800",
        description="pauses between the attempts to deliver an event; after the last one it is a dead letter",
    )

    webhook_dead_letters: int = Field(
        default=10_000,
        ge=1,
        description="dead letters that an endpoint may have; with so many it is disabled until it is mended",
    )
    otlp_endpoint: str | None = Field(
        default=None,
        validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        description="where OpenTelemetry traces and metrics of the service go (OTLP over HTTP)",
    )
    otlp_traces_endpoint: str | None = Field(
        default=None,
        validation_alias="OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        description="the same for traces alone, with its path",
    )
    otlp_metrics_endpoint: str | None = Field(
        default=None,
        validation_alias="OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
        description="the same for metrics alone, with its path",
    )
    otlp_protocol: Literal["http/protobuf"] = Field(
        default="http/protobuf",
        validation_alias="OTEL_EXPORTER_OTLP_PROTOCOL",
        description="how it goes there; `http/protobuf` is the one way",
    )
    otel_traces_exporter: Literal["otlp", "none"] = Field(
        default="otlp", validation_alias="OTEL_TRACES_EXPORTER", description="`none`: no traces"
    )
    otel_metrics_exporter: Literal["otlp", "none"] = Field(
        default="otlp", validation_alias="OTEL_METRICS_EXPORTER", description="`none`: no metrics"
    )
    otel_sdk_disabled: bool = Field(
        default=False, validation_alias="OTEL_SDK_DISABLED", description="`true`: neither of them"
    )
    otel_service_name: str = Field(
        default="costgraph",
        validation_alias="OTEL_SERVICE_NAME",
        description="what the service is called in traces and metrics",
    )
    otel_metric_interval_ms: int = Field(
        default=60_000,
        ge=100,
        validation_alias="OTEL_METRIC_EXPORT_INTERVAL",
        description="milliseconds between two exports of metrics",
    )
    retention_days: int | None = Field(
        default=None,
        ge=RETENTION_DAYS_MIN,
        description="archive raw usage that is older than so many days, at least 35; unset: keep all",
    )
    archive_dir: Path | None = Field(
        default=None,
        description="the folder of archives, shared by all servers; embedded, it is `archive` in the data "
        "folder where this is unset",
    )

    @field_validator("data_dir")
    @classmethod
    def _home_is_meant(cls, folder: Path) -> Path:
        return folder.expanduser()

    @field_validator("neo4j_uri")
    @classmethod
    def _scheme_is_known(cls, uri: str | None) -> str | None:
        if uri is not None and not uri.startswith(NEO4J_SCHEMES):
            msg = f"must begin with one of {', '.join(NEO4J_SCHEMES)}"
            raise ValueError(msg)
        return uri

    @field_validator("admin_key")
    @classmethod
    def _key_is_long(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value()) < ADMIN_KEY_LENGTH_MIN:
            msg = f"needs at least {ADMIN_KEY_LENGTH_MIN} characters: try `openssl rand -hex 32`"
            raise ValueError(msg)
        return key

    @field_validator("outbound_networks")
    @classmethod
    def _networks_can_be(cls, text: str | None) -> str | None:
        _networks(text)
        return text

    @field_validator("price_files_dir", "archive_dir")
    @classmethod
    def _folder_is_meant(cls, folder: Path | None) -> Path | None:
        return None if folder is None else folder.expanduser()

    @field_validator("allowed_origins")
    @classmethod
    def _origins_are_origins(cls, origins: str) -> str:
        for each in filter(None, (part.strip() for part in origins.split(","))):
            if not ORIGIN.fullmatch(each):
                msg = f"must hold origins such as https://app.example.com, not {each}"
                raise ValueError(msg)
        return origins

    @field_validator("webhook_retry_seconds")
    @classmethod
    def _pauses_are_numbers(cls, text: str) -> str:
        if not all(0 < pause <= RETRY_SECONDS_MAX for pause in _pauses(text)):
            msg = f"must hold seconds from above 0 to {RETRY_SECONDS_MAX}, with commas"
            raise ValueError(msg)
        return text

    @model_validator(mode="after")
    def _engine_fits(self) -> Self:
        if self.neo4j_uri is not None and self.admin_key is None:
            msg = "COSTGRAPH_ADMIN_KEY is required with NEO4J_URI: try `openssl rand -hex 32`"
            raise ValueError(msg)
        if self.neo4j_uri is None and self.workers > 1:
            msg = (
                f"COSTGRAPH_WORKERS={self.workers} needs NEO4J_URI: "
                "one server process owns the folder of an embedded engine"
            )
            raise ValueError(msg)
        if self.retention_days is not None and self.archives is None:
            msg = "COSTGRAPH_ARCHIVE_DIR is required with NEO4J_URI and COSTGRAPH_RETENTION_DAYS"
            raise ValueError(msg)
        return self

    @property
    def archives(self) -> Path | None:
        """The folder of archives; None where there is none."""
        if self.archive_dir is None and self.neo4j_uri is None:
            return self.data_dir / "archive"
        return self.archive_dir

    @property
    def neo4j(self) -> Connection | None:
        """The external Neo4j, or None for the embedded engine."""
        if self.neo4j_uri is None:
            return None
        return Connection(
            uri=self.neo4j_uri,
            username=self.neo4j_username,
            password=self.neo4j_password.get_secret_value() if self.neo4j_password else "",
            database=self.neo4j_database,
            kind="neo4j",
        )

    @property
    def otlp_traces(self) -> bool:
        """Whether traces go out."""
        endpoint = self.otlp_traces_endpoint or self.otlp_endpoint
        return endpoint is not None and self.otel_traces_exporter == "otlp" and not self.otel_sdk_disabled

    @property
    def otlp_metrics(self) -> bool:
        """Whether metrics go out."""
        endpoint = self.otlp_metrics_endpoint or self.otlp_endpoint
        return endpoint is not None and self.otel_metrics_exporter == "otlp" and not self.otel_sdk_disabled

    @property
    def origins(self) -> frozenset[str]:
        """The further origins."""
        return frozenset(filter(None, (part.strip().lower() for part in self.allowed_origins.split(","))))

    @property
    def webhook_pauses(self) -> tuple[float, ...]:
        """The pauses of ``webhook_retry_seconds``."""
        return _pauses(self.webhook_retry_seconds)

    @property
    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks of ``outbound_networks``."""
        return _networks(self.outbound_networks)

    @property
    def admin_key_file(self) -> Path:
        """Where the embedded engine's first admin key is written, readable by its owner only."""
        return self.data_dir / "admin.key"


def _networks(text: str | None) -> tuple[IPv4Network | IPv6Network, ...]:
    """Raises ``ValueError``."""
    return tuple(ip_network(part.strip()) for part in (text or "").split(",") if part.strip())


def _pauses(text: str) -> tuple[float, ...]:
    """Raises ``ValueError``."""
    return tuple(float(part) for part in text.split(",") if part.strip())


def variable_of(field: str) -> str:
    """The environment variable of a field of ``Settings``."""
    found = Settings.model_fields.get(field)
    if found is not None and isinstance(found.validation_alias, str):
        return found.validation_alias
    return f"COSTGRAPH_{field}".upper() if found is not None else field


def load_settings(**overrides: object) -> Settings:
    """The environment's settings, with some fields from elsewhere. Raises ``SettingsError``."""
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})  # pyright: ignore[reportArgumentType]
    except ValidationError as error:
        lines: list[str] = []
        for each in error.errors(include_url=False, include_context=False, include_input=False):
            text = str(each["msg"]).removeprefix("Value error, ")
            names = [variable_of(str(part)) for part in each["loc"]]
            lines.append(f"{names[0]}: {text}" if names else text)
        raise SettingsError("\n".join(lines)) from None
