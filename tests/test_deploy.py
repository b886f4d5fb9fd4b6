"""The files of ``deploy/``: they parse, fit together, and name what exists. Nothing is built here."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # comes with uvicorn[standard]

from server.settings import Settings, variable_of
from tests.server.test_doors import OPEN
from tests.test_tidy import ROOMS

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
VARIABLES = {variable_of(name) for name in Settings.model_fields}
PORT = Settings.model_fields["port"].default
NAME = {"app.kubernetes.io/name": "costgraph"}
PINNED = re.compile(r"[a-z0-9/-]+:\d+\.\d+[\w.-]*")


def parsed(path: Path) -> dict[str, Any]:
    (document,) = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    return document


RESOURCES = {path.stem: parsed(path) for path in sorted(KUBERNETES.glob("*.yaml"))}
COMPOSE = parsed(DEPLOY / "compose.yaml")
POD = RESOURCES["deployment"]["spec"]["template"]
(CONTAINER,) = POD["spec"]["containers"]
CONTAINERFILE = (DEPLOY / "Containerfile").read_text(encoding="utf-8")


def instructions(word: str) -> Iterator[str]:
    joined = CONTAINERFILE.replace("\\\n", " ")
    yield from re.findall(rf"^{word} (.*)$", joined, re.MULTILINE)


@pytest.mark.parametrize("name", RESOURCES)
def test_every_manifest_says_what_it_is(name: str) -> None:
    resource = RESOURCES[name]
    assert {"apiVersion", "kind"} <= set(resource)
    if name != "kustomization":
        assert resource["metadata"]["name"] == "costgraph"


def test_the_kustomization_lists_every_manifest() -> None:
    listed = RESOURCES["kustomization"]["resources"]
    assert sorted(listed) == sorted(f"{name}.yaml" for name in RESOURCES if name != "kustomization")
    (image,) = RESOURCES["kustomization"]["images"]
    assert image["name"] == CONTAINER["image"]


def test_selectors_find_the_pods() -> None:
    assert POD["metadata"]["labels"] == NAME
    assert RESOURCES["deployment"]["spec"]["selector"]["matchLabels"] == NAME
    assert RESOURCES["service"]["spec"]["selector"] == NAME
    assert RESOURCES["disruption"]["spec"]["selector"]["matchLabels"] == NAME
    assert RESOURCES["network"]["spec"]["podSelector"]["matchLabels"] == NAME
    assert RESOURCES["disruption"]["spec"]["minAvailable"] < RESOURCES["deployment"]["spec"]["replicas"]


def test_ports_and_probes_lead_to_the_server() -> None:
    (port,) = CONTAINER["ports"]
    assert port == {"name": "http", "containerPort": PORT}
    (service,) = RESOURCES["service"]["spec"]["ports"]
    assert service["targetPort"] == port["name"]
    assert RESOURCES["network"]["spec"]["ingress"] == [{"ports": [{"port": port["name"]}]}]
    annotations = POD["metadata"]["annotations"]
    assert (annotations["prometheus.io/port"], annotations["prometheus.io/path"]) == (str(PORT), "/metrics")
    probes = {name: each["httpGet"] for name, each in CONTAINER.items() if name.endswith("Probe")}
    assert set(probes) == {"startupProbe", "readinessProbe", "livenessProbe"}
    assert all(each["port"] == port["name"] and each["path"] in OPEN for each in probes.values())
    assert probes["livenessProbe"]["path"] == "/healthz", "an engine that is away must not restart servers"


def test_a_pod_has_no_more_rights_than_it_needs() -> None:
    context = POD["spec"]["securityContext"]
    assert context["runAsNonRoot"]
    assert f"--uid {context['runAsUser']} " in CONTAINERFILE
    assert CONTAINER["securityContext"]["readOnlyRootFilesystem"]
    assert CONTAINER["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    mounts = {each["name"]: each["mountPath"] for each in CONTAINER["volumeMounts"]}
    assert set(mounts) == {each["name"] for each in POD["spec"]["volumes"]}
    folder = {each["name"]: each["value"] for each in CONTAINER["env"]}["COSTGRAPH_DATA_DIR"]
    assert any(folder.startswith(f"{path}/") for path in mounts.values())


def test_every_variable_is_a_setting_of_ours() -> None:
    named = {each["name"] for each in CONTAINER["env"]}
    named |= set(COMPOSE["services"]["costgraph"]["environment"])
    (environment,) = instructions("ENV")
    named |= set(re.findall(r"(\w+)=", environment)) - {"PATH"}
    manifest = (KUBERNETES / "deployment.yaml").read_text(encoding="utf-8")
    named |= set(re.findall(r"--from-literal=(\w+)=", manifest))
    assert named <= VARIABLES
    assert {"NEO4J_URI", "NEO4J_PASSWORD", "COSTGRAPH_ADMIN_KEY"} <= named


def test_no_secret_is_written_down() -> None:
    for service in COMPOSE["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|KEY|AUTH", name):
                assert "${" in value, name
                assert ":?" in value, f"{name} must not be empty"


def test_services_wait_for_what_is_healthy() -> None:
    services = COMPOSE["services"]
    assert "healthcheck" in services["neo4j"]
    assert "HEALTHCHECK" in CONTAINERFILE
    for service in services.values():
        for name, condition in service.get("depends_on", {}).items():
            assert name in services
            assert condition == {"condition": "service_healthy"}
    caddyfile = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    assert f"dynamic a costgraph {PORT}" in caddyfile
    assert services["proxy"]["volumes"] == ["./Caddyfile:/etc/caddy/Caddyfile:ro"]
    assert (DEPLOY / "compose.yaml").parent.joinpath(
        services["costgraph"]["build"]["context"]
    ).resolve() == ROOT


def test_images_are_pinned() -> None:
    images = [each["image"] for each in COMPOSE["services"].values()]
    images += [each.split()[0] for each in instructions("FROM")]
    (image,) = RESOURCES["kustomization"]["images"]
    images.append(f"{image['newName']}:{image['newTag']}")
    assert [each for each in images if not PINNED.fullmatch(each)] == []


def test_the_image_holds_every_room_and_starts_the_server() -> None:
    copied = [each.split()[:-1] for each in instructions("COPY") if not each.startswith("--from")]
    sources = {source for each in copied for source in each}
    assert {each for each in sources if not (ROOT / each).exists()} == set()
    assert {each for each in sources if (ROOT / each).is_dir()} == ROOMS
    assert list(instructions("ENTRYPOINT")) == ['["costgraph"]']
    assert list(instructions("CMD")) == ['["serve"]']
    assert list(instructions("EXPOSE")) == [str(PORT)]
    assert list(instructions("STOPSIGNAL")) == ["SIGTERM"]
