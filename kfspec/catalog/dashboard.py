"""What a release ships as the Central Dashboard's ConfigMap, in the form of its JSON strings.

Source: 1.10.0 to 1.11.0: kubeflow/kubeflow, `components/centraldashboard/manifests/overlays/kserve/patches/configmap.yaml` (since
1.9.0: pull requests 7583 and 7603), which the example installation takes by `overlays/oauth2-proxy`; 26.03: kubeflow/manifests,
`applications/centraldashboard/overlays/oauth2-proxy/patches/configmap.yaml`.
"""

from __future__ import annotations

from typing import Any

NAME = "centraldashboard-config"
"""The dashboard's own default of DASHBOARD_CONFIGMAP (centraldashboard v1.10.0, app/server.ts)."""

SETTINGS: dict[str, Any] = {"DASHBOARD_FORCE_IFRAME": True}

Entry = dict[str, Any]


def links(release: str) -> dict[str, list[Entry]]:
    """The four lists of a release, each entry by its keys in the order in which it is shipped."""
    menu = [
        _item("book", "/jupyter/", "Notebooks"),
        _item("assessment", "/tensorboards/", "TensorBoards"),
        _item("device:storage", "/volumes/", "Volumes"),
        _item("kubeflow:katib", "/katib/", "Katib Experiments"),
        {"type": "item", "link": "/kserve-endpoints/", "text": "KServe Endpoints", "icon": "kubeflow:models"},
    ]
    if release not in ("1.10.0", "1.10.2", "1.11.0"):
        menu.append(_item("assignment", "/model-registry/", "Model Registry"))
    pipelines = [
        ("pipelines", "Pipelines"),
        ("experiments", "Experiments"),
        ("runs", "Runs"),
        ("recurringruns", "Recurring Runs"),
        ("artifacts", "Artifacts"),
        ("executions", "Executions"),
    ]
    menu.append(
        {
            "icon": "kubeflow:pipeline-centered",
            "items": [{"link": f"/pipeline/#/{path}", "text": text, "type": "item"} for path, text in pipelines],
            "text": "Pipelines",
            "type": "section",
        }
    )
    docs = "https://www.kubeflow.org/docs/components"
    return {
        "menuLinks": menu,
        "externalLinks": [],
        "documentationItems": [
            _link("The Kubeflow website", "https://www.kubeflow.org/", "Kubeflow Website"),
            *(
                _link(f"Documentation for {name}", f"{docs}/{path}/", f"{name} Documentation")
                for name, path in (
                    ("Kubeflow Pipelines", "pipelines"),
                    ("Kubeflow Notebooks", "notebooks"),
                    ("Kubeflow Training Operator", "training"),
                    ("Katib", "katib"),
                )
            ),
        ],
        "quickLinks": [
            _link("Kubeflow Notebooks", "/jupyter/new", "Create a new Notebook"),
            _link("Kubeflow Pipelines", "/pipeline/#/pipelines", "Upload a Pipeline"),
            _link("Pipelines", "/pipeline/#/runs", "View Pipeline Runs"),
        ],
    }


def _item(icon: str, link: str, text: str) -> Entry:
    return {"icon": icon, "link": link, "text": text, "type": "item"}


def _link(desc: str, link: str, text: str) -> Entry:
    return {"desc": desc, "link": link, "text": text}
