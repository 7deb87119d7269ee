"""Seeded, differing InferenceServices: as a spec, as a kustomization written by hand, and as plain files."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from kfspec.yamlio.dump import dump

SEED = 20260321
FORMATS = ("sklearn", "xgboost", "lightgbm", "pmml", "paddle")


def services(count: int) -> dict[str, dict[str, Any]]:
    """`count` items of the block `inferenceServices`: names, images, env and resources all differ."""
    rng = random.Random(SEED)  # noqa: S311 - reproducible data, not a secret
    return {f"model-{n:05d}-{rng.randrange(16**4):04x}": _service(rng) for n in range(count)}


def _service(rng: random.Random) -> dict[str, Any]:
    def resources() -> dict[str, Any]:
        cpu, memory = f"{rng.randrange(1, 32) * 125}m", f"{rng.randrange(1, 64) * 256}Mi"
        return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": cpu, "memory": memory}}

    def env(count: int) -> list[dict[str, str]]:
        return [{"name": f"SETTING_{n}", "value": f"value-{rng.randrange(10**9)}"} for n in range(count)]

    predictor: dict[str, Any] = {
        "minReplicas": rng.randrange(1, 3),
        "maxReplicas": rng.randrange(4, 10),
        "model": {
            "modelFormat": {"name": rng.choice(FORMATS)},
            "storageUri": f"gs://models/{rng.randrange(10**9):x}/v{rng.randrange(40)}",
            "env": env(rng.randrange(2, 5)),
            "resources": resources(),
        },
    }
    transformer = {
        "containers": [
            {
                "name": "kserve-container",
                "image": f"registry.example.com/transform-{rng.randrange(200)}:1.{rng.randrange(90)}",
                "args": ["--model_name", f"m{rng.randrange(10**6)}"],
                "env": env(2),
                "resources": resources(),
            }
        ]
    }
    return {"predictor": predictor, "transformer": transformer}


def spec(count: int) -> str:
    """A spec of `count` services; prod changes one value of each."""
    items = services(count)
    return dump(
        {
            "apiVersion": "kfspec.dev/v1alpha1",
            "project": "bench",
            "kubeflow": "1.10",
            "externals": {"profiles": ["team"]},
            "defaults": {"profile": "team"},
            "inferenceServices": items,
            "environments": {
                "dev": {},
                "prod": {"inferenceServices": {name: {"predictor": {"maxReplicas": 20}} for name in items}},
            },
        }
    )


def live_spec(namespace: str, count: int, changed: int = 0) -> str:
    """A spec of `count` services in a namespace, one environment; the first `changed` of them with another value."""
    return dump(
        {
            "apiVersion": "kfspec.dev/v1alpha1",
            "project": f"bench-{namespace}",
            "kubeflow": "1.10",
            "externals": {"profiles": [namespace]},
            "defaults": {"profile": namespace},
            "inferenceServices": _changed(services(count), changed),
        }
    )


def _changed(items: dict[str, dict[str, Any]], count: int) -> dict[str, dict[str, Any]]:
    for name in list(items)[:count]:
        items[name]["predictor"]["maxReplicas"] = 20
    return items


def objects(count: int, namespace: str = "team", changed: int = 0) -> list[dict[str, Any]]:
    """The same services as Kubernetes objects."""
    return [
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {"name": name, "namespace": namespace, "labels": {"app.kubernetes.io/managed-by": "kustomize"}},
            "spec": item,
        }
        for name, item in _changed(services(count), changed).items()
    ]


def kustomization(directory: Path, count: int) -> Path:
    """The same thing by hand: a base in one file, and an overlay with a single target patch. Returns the overlay."""
    base, overlay = directory / "base", directory / "prod"
    base.mkdir(parents=True)
    overlay.mkdir()
    (base / "services.yaml").write_text("---\n".join(map(dump, objects(count))))
    (base / "kustomization.yaml").write_text(dump({"resources": ["services.yaml"]}))
    patch = {
        "target": {"group": "serving.kserve.io", "version": "v1beta1", "kind": "InferenceService"},
        "patch": "- op: replace\n  path: /spec/predictor/maxReplicas\n  value: 20\n",
    }
    labels = {"pairs": {"kfspec.dev/environment": "prod"}}
    overlay_text = dump({"resources": ["../base"], "labels": [labels], "patches": [patch]})
    (overlay / "kustomization.yaml").write_text(overlay_text)
    return overlay


def files(directory: Path, count: int) -> Path:
    """The same objects, one file each."""
    directory.mkdir(parents=True)
    for body in objects(count):
        (directory / f"{body['metadata']['name']}.yaml").write_text(dump(body))
    return directory
