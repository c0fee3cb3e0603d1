"""The Kubernetes manifests: rendered, valid, hardened, and in agreement with the services they run."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
OVERLAY = ROOT / "deploy/k8s/overlays/production"
RENDERED = ROOT / "deploy/k8s/rendered/production.yaml"
SHARED = Path(os.environ.get("FORBEAR_SHARED", ROOT.parent / "shared"))
SERVICES = {"contact-scheduler", "channel-dispatcher", "response-tracker"}
CUSTOM_SCHEMAS = {"ServiceMonitor": "servicemonitor_v1.json", "PrometheusRule": "prometheusrule_v1.json"}


def documents() -> list[dict[str, Any]]:
    """Return the rendered objects."""
    return list(yaml.safe_load_all(RENDERED.read_text(encoding="utf-8")))


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    """Return the rendered objects of one kind by name."""
    return {item["metadata"]["name"]: item for item in documents() if item["kind"] == kind}


def containers(deployment: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all containers of a deployment, those that run first included."""
    spec = deployment["spec"]["template"]["spec"]
    return [*spec["initContainers"], *spec["containers"]]


@pytest.mark.needs_kubectl
def test_what_is_committed_is_what_kustomize_renders() -> None:
    """The rendered file is there so that the other tests run everywhere; it must not go stale."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed")
    made = subprocess.run([kubectl, "kustomize", str(OVERLAY)], capture_output=True, text=True, check=False)
    if "unknown field" in made.stderr:
        pytest.skip("this kubectl carries a kustomize older than 4")

    assert 0 == made.returncode, made.stderr
    assert RENDERED.read_text(encoding="utf-8") == made.stdout, "render it again: see CONTRIBUTING.md"


def test_every_object_is_valid_kubernetes() -> None:
    """Strict schemas: an unknown or misspelt field fails."""
    checked = subprocess.run(
        [sys.executable, "-m", "kubernetes_validate", "-k", "1.33", "--strict", "--quiet", "--no-warn", str(RENDERED)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == checked.returncode, checked.stdout + checked.stderr


@pytest.mark.needs_shared_data
@pytest.mark.parametrize("kind", sorted(CUSTOM_SCHEMAS))
def test_every_custom_object_is_valid(kind: str) -> None:
    """Custom resources against the schemas their projects publish, kept beside the repository."""
    path = SHARED / "data/specs" / CUSTOM_SCHEMAS[kind]
    if not path.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{path.name} is missing")
        pytest.skip(f"{path.name} is kept beside the repository and is not here")
    schema = json.loads(path.read_text(encoding="utf-8"))

    for item in of_kind(kind).values():
        # not `validate`: one published pattern has a flag where Python's expressions allow none
        assert [] == list(jsonschema.Draft202012Validator(schema).iter_errors(item))
    assert of_kind(kind)


def test_each_service_has_what_keeps_it_running() -> None:
    """Probes, requests, limits, two replicas at least, a disruption budget and an autoscaler."""
    deployments = of_kind("Deployment")

    assert SERVICES == deployments.keys() == of_kind("PodDisruptionBudget").keys()
    assert SERVICES == of_kind("HorizontalPodAutoscaler").keys()
    for deployment in deployments.values():
        (main,) = deployment["spec"]["template"]["spec"]["containers"]
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= main.keys()
        assert "/livez" == main["livenessProbe"]["httpGet"]["path"]
        assert {"cpu", "memory"} <= main["resources"]["requests"].keys()
        assert "memory" in main["resources"]["limits"]
    assert all(scaler["spec"]["minReplicas"] >= 2 for scaler in of_kind("HorizontalPodAutoscaler").values())


def test_no_container_can_do_more_than_it_must() -> None:
    """Not root, read-only, no capabilities, no token of the cluster."""
    for deployment in of_kind("Deployment").values():
        pod = deployment["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert "RuntimeDefault" == pod["securityContext"]["seccompProfile"]["type"]
        assert pod["automountServiceAccountToken"] is False
        for container in containers(deployment):
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True
            assert context["allowPrivilegeEscalation"] is False
            assert ["ALL"] == context["capabilities"]["drop"]


def test_images_are_pinned_by_digest() -> None:
    """What was tested is what runs."""
    images = [item["image"] for deployment in of_kind("Deployment").values() for item in containers(deployment)]

    assert all("@sha256:" in image for image in images)


def test_only_the_init_container_holds_the_owners_password() -> None:
    """The running dispatcher cannot alter its ledger, because it never sees the owner of the schema."""
    for deployment in of_kind("Deployment").values():
        (main,) = deployment["spec"]["template"]["spec"]["containers"]
        assert "owner" not in {mount["name"] for mount in main["volumeMounts"]}
        assert not any("MIGRATION" in item["name"] for item in main["env"])


def test_a_pod_is_given_more_time_than_its_drain_takes() -> None:
    """terminationGracePeriodSeconds exceeds the wait plus the grace of the settings."""
    for name, deployment in of_kind("Deployment").items():
        pod = deployment["spec"]["template"]["spec"]
        environment = {item["name"]: item["value"] for item in pod["containers"][0]["env"]}
        prefix = {"contact-scheduler": "SCHEDULER", "channel-dispatcher": "DISPATCHER", "response-tracker": "TRACKER"}[
            name
        ]
        drain_s = float(environment[f"FORBEAR_{prefix}_DRAIN_S"])
        grace_s = float(environment[f"FORBEAR_{prefix}_GRACE_S"])
        assert pod["terminationGracePeriodSeconds"] > drain_s + grace_s


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_setting_in_a_manifest_exists_and_none_that_is_needed_is_missing(name: str) -> None:
    """A setting that was renamed in the code would otherwise fail at the first start in production."""
    settings = importlib.import_module(f"{name.replace('-', '_')}.settings").Settings
    prefix = settings.model_config["env_prefix"]
    deployment = of_kind("Deployment")[name]
    (main,) = deployment["spec"]["template"]["spec"]["containers"]
    given = {item["name"] for item in main["env"]}
    given |= set(deployment["metadata"]["annotations"]["forbear/secret-keys"].split(", "))
    known = {prefix + field.upper(): field for field in settings.model_fields}

    assert set() == given - known.keys()
    assert set() == {name for name, field in known.items() if settings.model_fields[field].is_required()} - given


def test_only_the_dispatcher_may_leave_the_cluster() -> None:
    """Split by exposure: one policy has addresses outside in it, and it selects the dispatcher."""
    outward = {
        policy["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
        for policy in of_kind("NetworkPolicy").values()
        for rule in policy["spec"].get("egress", [])
        for peer in rule.get("to", [])
        if "ipBlock" in peer
    }

    assert {"channel-dispatcher"} == outward
    assert {} == of_kind("NetworkPolicy")["deny-all"]["spec"]["podSelector"]


def test_grpc_services_are_headless() -> None:
    """gRPC keeps its connections: behind a virtual address one replica would get all the calls."""
    services = of_kind("Service")

    for name in SERVICES:
        assert "None" == services[f"{name}-rpc"]["spec"]["clusterIP"]
