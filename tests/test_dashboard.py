"""The dashboard: what the release ships stays, what the spec says is in it, and nobody's links are taken unasked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kfspec.catalog.dashboard import SETTINGS, links
from kfspec.catalog.releases import RELEASES
from kfspec.pipeline import Build, build
from kfspec.yamlio.dump import dump

NAME = "centraldashboard-config"


def compiled(folder: Path, dashboard: dict[str, Any], **top: Any) -> Build:
    """What a dashboard compiles to."""
    spec = {"apiVersion": "kfspec.dev/v1alpha1", "project": "p", "dashboard": dashboard, **top}
    (folder / "kfspec.yaml").write_text(dump(spec))
    return build(folder / "kfspec.yaml")


def shown(result: Build, environment: str = "default") -> tuple[dict[str, Any], dict[str, Any]]:
    """The links and the settings."""
    assert result.diagnostics == ()
    (resource,) = result.environments[environment]
    assert str(resource.ref) == f"ConfigMap/kubeflow/{NAME}"
    data = resource.body["data"]
    return json.loads(data["links"]), json.loads(data["settings"])


@pytest.mark.parametrize("kubeflow", RELEASES)
def test_what_the_release_ships_is_all_there(kubeflow: str, tmp_path: Path) -> None:
    added = {"MLflow": {"link": "/mlflow/", "icon": "timeline"}}
    made, settings = shown(compiled(tmp_path, {"own": True, "menuLinks": added}, kubeflow=kubeflow))
    shipped = links(kubeflow)
    assert made["menuLinks"] == [
        *shipped["menuLinks"],
        {"icon": "timeline", "link": "/mlflow/", "text": "MLflow", "type": "item"},
    ]
    assert {field: made[field] for field in made if field != "menuLinks"} == {
        field: shipped[field] for field in shipped if field != "menuLinks"
    }
    assert settings == SETTINGS == {"DASHBOARD_FORCE_IFRAME": True}


def test_the_menu_differs_by_release() -> None:
    menu = {name: [entry["text"] for entry in links(name)["menuLinks"]] for name in RELEASES}
    older = ["Notebooks", "TensorBoards", "Volumes", "Katib Experiments", "KServe Endpoints", "Pipelines"]
    assert menu == {
        "1.10.0": older,
        "1.10.2": older,
        "1.11.0": older,
        "26.03": [*older[:-1], "Model Registry", "Pipelines"],
    }


def test_an_entry_of_the_same_text_is_changed_in_its_place(tmp_path: Path) -> None:
    dashboard = {
        "own": True,
        "menuLinks": {
            "Notebooks": {"icon": "laptop"},
            "Pipelines": {"items": {"Compare": {"link": "/c/"}, "Runs": {"link": "/r/"}}},
        },
        "quickLinks": {"View Pipeline Runs": {"desc": "KFP"}},
        "externalLinks": {"Runbook": {"link": "https://wiki", "icon": "launch"}},
        "documentationItems": {"Handbook": {"link": "https://wiki", "desc": "How"}},
        "settings": {"DASHBOARD_FORCE_IFRAME": False, "OTHER": 1},
    }
    made, settings = shown(compiled(tmp_path, dashboard))
    shipped = links("1.10.2")
    assert made["menuLinks"][0] == {**shipped["menuLinks"][0], "icon": "laptop"}
    pipelines, before = made["menuLinks"][-1], shipped["menuLinks"][-1]
    assert {k: v for k, v in pipelines.items() if k != "items"} == {k: v for k, v in before.items() if k != "items"}
    assert pipelines["items"] == [
        *({**entry, "link": "/r/"} if entry["text"] == "Runs" else entry for entry in before["items"]),
        {"link": "/c/", "text": "Compare", "type": "item"},
    ]
    assert made["quickLinks"][-1] == {**shipped["quickLinks"][-1], "desc": "KFP"}
    assert made["externalLinks"] == [
        {"icon": "launch", "iframe": False, "link": "https://wiki", "text": "Runbook", "type": "item"}
    ]
    assert made["documentationItems"][-1] == {"desc": "How", "link": "https://wiki", "text": "Handbook"}
    assert settings == {"DASHBOARD_FORCE_IFRAME": False, "OTHER": 1}


def test_environments_differ_and_equal_specs_give_equal_bytes(tmp_path: Path) -> None:
    link = {"MLflow": {"link": "/mlflow/", "icon": "timeline"}}
    environments = {"dev": {}, "prod": {"dashboard": {"menuLinks": {"MLflow": {"link": "/prod/"}}}}}
    result = compiled(tmp_path, {"own": True, "menuLinks": link}, environments=environments)
    assert [shown(result, name)[0]["menuLinks"][-1]["link"] for name in ("dev", "prod")] == ["/mlflow/", "/prod/"]
    again = compiled(tmp_path, {"own": True, "menuLinks": link}, environments=environments)
    assert [r.body for r in again.environments["prod"]] == [r.body for r in result.environments["prod"]]


def test_without_consent_nothing_is_owned(tmp_path: Path) -> None:
    result = compiled(tmp_path, {"quickLinks": {"A": {"link": "/a/", "desc": "a"}}})
    assert [(d.code, d.path) for d in result.diagnostics] == [("KF347", ("dashboard",))]
    assert result.environments == {"default": ()}


def test_it_is_never_pruned(tmp_path: Path) -> None:
    (resource,) = compiled(tmp_path, {"own": True}).environments["default"]
    assert resource.body["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/prune"] == "disabled"
