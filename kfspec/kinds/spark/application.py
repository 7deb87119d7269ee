"""A Spark application's spec: from the item's short forms to upstream's, and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from kfspec.codes import finding
from kfspec.diagnostics import Path
from kfspec.kinds.base import Context
from kfspec.kinds.lifting import shorten
from kfspec.kinds.shortforms import Expansion
from kfspec.kinds.spark.fields import (
    ACCOUNT,
    ACCOUNT_CONF,
    APPLICATION,
    DRIVER_CONTAINER,
    EXECUTOR_CONTAINER,
    Application,
    Driver,
    Executor,
    Pod,
    given,
)
from kfspec.kinds.status import maps
from kfspec.kinds.training.code import CodeSource, Mounted, mounted
from kfspec.resource import Origin
from kfspec.wording import did_you_mean

_TEXTS = frozenset({"coreLimit", "coreRequest", "memory", "memoryLimit", "memoryOverhead", "memoryOverheadFactor"})
_TEXT_MAPS = frozenset({"sparkConf", "hadoopConf", "envVars"})
_LANGUAGES = {".py": "Python", ".r": "R"}
"""The ending of a main file -> the application's type, where it leaves no doubt."""


class _Lowering:
    """One application on its way to upstream's form."""

    def __init__(self, item: Application, ctx: Context, at: Path, expansion: Expansion) -> None:
        self.item, self.ctx, self.at, self.expansion = item, ctx, at, expansion
        self.volumes: list[tuple[dict[str, Any], Origin]] = []
        """Volumes that mounts and code ask for, and where they do."""

    def spec(self, code: str | CodeSource | None) -> dict[str, Any]:
        item, ctx, at, expansion = self.item, self.ctx, self.at, self.expansion
        files = mounted(code, ctx, expansion)
        spec: dict[str, Any] = {}
        for key, value in given(item, tuple(key for key in APPLICATION if key not in ("driver", "executor"))).items():
            spec[key] = self._field(key, value, (*at, key), (*ctx.path, key))
        main = self._main_file(files) if files is not None or code is None else self._unread_main(code)
        if main is not None:
            spec["mainApplicationFile"] = main
        self._type(spec)
        listed = spec.get("volumes")
        known = {str(volume.get("name")) for volume in maps(listed)}
        spec["driver"] = self._pod(item.driver or Driver(), "driver", known, files)
        spec["executor"] = self._pod(item.executor or Executor(), "executor", known, files)
        self._account(spec)
        if files is not None and not all("template" in spec[role] for role in ("driver", "executor")):
            self.volumes.append((files.volume, Origin((*ctx.path, "code"))))
        if self.volumes and (listed is None or isinstance(listed, list)):
            for n, (_, origin) in enumerate(self.volumes, start=len(listed or ())):
                expansion.origins[*at, "volumes", n] = origin
            spec["volumes"] = [*(listed or ()), *(volume for volume, _ in self.volumes)]
        return spec

    def _field(self, key: str, value: Any, at: Path, path: Path) -> Any:
        expansion = self.expansion
        expansion.origins[at] = Origin(path)
        if key in _TEXTS:
            return self._text(value, path)
        if key in _TEXT_MAPS and isinstance(value, dict):
            return {name: self._text(entry, (*path, name)) for name, entry in value.items()}
        if key == "arguments" and isinstance(value, list):
            return [self._text(entry, (*path, n)) for n, entry in enumerate(value)]
        if key == "restartPolicy" and isinstance(value, str):
            expansion.origins[*at, "type"] = Origin(path)
            return {"type": value}
        if key == "imagePullSecrets":  # a list of names here, and no list of objects
            return value
        if key == "batchSchedulerOptions" and isinstance(value, dict):  # its `resources` are amounts by name
            amounts = value.get("resources")
            return {**value, "resources": expansion.quantities(amounts)} if isinstance(amounts, dict) else value
        return expansion.field(key, value, at, path)

    def _text(self, value: Any, path: Path) -> Any:
        return self.expansion.text(value, path) if isinstance(value, bool | int | float) else value

    def _pod(self, pod: Pod, role: str, known: set[Any], files: Mounted | None) -> dict[str, Any]:
        at, path = (*self.at, role), (*self.ctx.path, role)
        self.expansion.origins.setdefault(at, Origin(path if getattr(self.item, role) is not None else self.ctx.path))
        body: dict[str, Any] = {}
        for key, value in given(pod, tuple(type(pod).model_fields)).items():
            here, place = (*at, key), (*path, key)
            if key == "gpu" and isinstance(value, int) and not isinstance(value, bool):
                self.expansion.origins[here] = Origin(place)
                body[key] = {"name": self.ctx.platform.gpuResource, "quantity": value}
            elif key == "volumeMounts" and isinstance(value, dict):
                body[key] = self._mounts(value, here, place, known)
            elif key == "ports" and isinstance(value, dict):
                body[key] = self._field(key, _with_protocol(value), here, place)
            elif key == "serviceAccount" and value == "":
                continue
            else:
                body[key] = self._field(key, value, here, place)
        if files is not None:
            container = DRIVER_CONTAINER if role == "driver" else EXECUTOR_CONTAINER
            self._add_code(body, at, files, container)
        return body

    def _mounts(self, mounts: dict[str, Any], at: Path, path: Path, known: set[Any]) -> list[dict[str, Any]]:
        result: list[dict[str, Any]] = []
        for name, value in mounts.items():
            mount = {"mountPath": value} if isinstance(value, str) else value
            place = (*path, name)
            if not isinstance(mount, dict):
                hint = "write the path where it is mounted, or {mountPath: ..., subPath: ..., readOnly: ...}"
                self.expansion.found.append(
                    finding("KF341", f"'{name}' has no path to be mounted at", place, hint=hint)
                )
                continue
            here = (*at, len(result))
            self.expansion.origins[here] = Origin(place)
            self.expansion.origins[*here, "name"] = Origin(place, at_key=True)
            if isinstance(value, str):
                self.expansion.origins[*here, "mountPath"] = Origin(place)
            result.append({"name": name, **mount})
            if name not in known:
                known.add(name)
                claim = {"name": name, "persistentVolumeClaim": {"claimName": name}}
                self.volumes.append((claim, Origin(place, at_key=True)))
        return result

    def _add_code(self, body: dict[str, Any], at: Path, files: Mounted, container: str) -> None:
        """The mount of the code: in the template where there is one, whatever its container is called."""
        origin = Origin((*self.ctx.path, "code"))
        template = body.get("template")
        if template is None:
            mounts = body.get("volumeMounts") or []
            if isinstance(mounts, list):
                self.expansion.origins[*at, "volumeMounts", len(mounts)] = origin
                body["volumeMounts"] = [*mounts, files.mount]
            return
        pod = template.get("spec", {}) if isinstance(template, dict) else None
        listed = pod.get("containers", []) if isinstance(pod, dict) else None
        if not isinstance(listed, list) or not isinstance(pod, dict):
            return  # the schema says what is wrong with it
        mine = next((c for c in listed if isinstance(c, dict) and c.get("name") == container), {"name": container})
        with_code = {**mine, "volumeMounts": [*(mine.get("volumeMounts") or ()), files.mount]}
        others = [c for c in listed if c is not mine]
        volumes = [*(pod.get("volumes") or ()), files.volume]
        body["template"] = {**template, "spec": {**pod, "containers": [with_code, *others], "volumes": volumes}}

    def _account(self, spec: dict[str, Any]) -> None:
        driver = spec["driver"]
        template = driver.get("template")
        pod = template.get("spec") if isinstance(template, dict) else None
        said = isinstance(pod, dict) and (pod.get("serviceAccountName") or pod.get("serviceAccount"))
        conf = spec.get("sparkConf")
        if self.item.driver is not None and self.item.driver.serviceAccount is not None:
            return
        if not said and not (isinstance(conf, dict) and ACCOUNT_CONF in conf):
            driver["serviceAccount"] = ACCOUNT

    def _type(self, spec: dict[str, Any]) -> None:
        main = spec.get("mainApplicationFile")
        if "type" in spec or not isinstance(main, str):
            return
        language = _LANGUAGES.get(PurePosixPath(main).suffix.lower())
        if language is not None:
            key = "code" if self.item.mainApplicationFile is None else "mainApplicationFile"
            self.expansion.origins[*self.at, "type"] = Origin((*self.ctx.path, key))
            spec["type"] = language

    def _unread_main(self, code: str | CodeSource) -> str:
        """A main file in the place of one that could not be read, which was said: nothing more is wrong with it."""
        main = self.item.mainApplicationFile
        path = main if isinstance(main, str) else code if isinstance(code, str) else code.path
        return path if "://" in path or path.startswith("/") else f"local:///{path.rstrip('/') or 'code'}/main.py"

    def _main_file(self, files: Mounted | None) -> str | None:
        """The main file's URI where it is one of the code's files; None where the item says it, or nothing does."""
        main = self.item.mainApplicationFile
        if files is None or not (main is None or isinstance(main, str)):
            return None
        paths = [item["path"] for item in files.volume["configMap"]["items"]]
        origin = (*self.ctx.path, "code" if main is None else "mainApplicationFile")
        self.expansion.origins[*self.at, "mainApplicationFile"] = Origin(origin)
        if main is None and len(paths) > 1:
            hint = f"mainApplicationFile: {next((p for p in paths if p.endswith('.py')), paths[0])}"
            message = f"'code' has {len(paths)} files, and nothing says which of them is run"
            self.expansion.found.append(finding("KF721", message, origin, hint=hint, at_key=True))
            return None
        if main is not None and ("://" in main or main.startswith("/")):
            return None
        name = paths[0] if main is None else main.removeprefix("./")
        if name not in paths:
            near = did_you_mean(name, paths, f"one of: {', '.join(paths[:6])}")
            self.expansion.found.append(finding("KF721", f"'code' has no file '{name}'", origin, hint=near))
        return f"local://{files.path.rstrip('/')}/{name}"


def _with_protocol(ports: dict[str, Any]) -> dict[str, Any]:
    """`{ui: 4040}` with the protocol, which Spark's ports must say."""
    return {
        name: {"containerPort": port, "protocol": "TCP"}
        if isinstance(port, int) and not isinstance(port, bool)
        else port
        for name, port in ports.items()
    }


def lower_application(
    item: Application, ctx: Context, at: Path, expansion: Expansion, code: str | CodeSource | None
) -> dict[str, Any]:
    """The spec that goes to `at` in the object."""
    return _Lowering(item, ctx, at, expansion).spec(code)


# -- the way back -----------------------------------------------------------------------------------------------


def lift_application(spec: Any) -> Iterator[dict[str, Any]]:
    """The fields of an item that may stand for the spec, the shortest first."""
    if not isinstance(spec, dict) or spec.keys() - {*APPLICATION, "suspend"}:
        return
    pods = {role: pod for role in ("driver", "executor") if isinstance(pod := spec.get(role), dict)}
    if len(pods) < 2:
        return
    plain = {key: value for key, value in spec.items() if key not in ("driver", "executor")}
    account = _account_of(spec)
    yield _short(plain, pods, account)
    yield {**plain, **_said("driver", {**pods["driver"], **account}), **_said("executor", pods["executor"])}


def _account_of(spec: dict[str, Any]) -> dict[str, Any]:
    """What an item must say of a driver whose spec names no service account."""
    return {} if "serviceAccount" in spec["driver"] else {"serviceAccount": ""}


def _said(role: str, pod: dict[str, Any]) -> dict[str, Any]:
    return {role: pod} if pod else {}


def _short(plain: dict[str, Any], pods: dict[str, Any], account: dict[str, Any]) -> dict[str, Any]:
    item = dict(plain)
    policy = item.get("restartPolicy")
    if isinstance(policy, dict) and policy.keys() == {"type"}:
        item["restartPolicy"] = policy["type"]
    main = item.get("mainApplicationFile")
    if isinstance(main, str) and _LANGUAGES.get(PurePosixPath(main).suffix.lower()) == item.get("type"):
        item.pop("type", None)
    claims = {
        volume["name"]
        for volume in maps(item.get("volumes"))
        if volume.keys() == {"name", "persistentVolumeClaim"}
        and volume["persistentVolumeClaim"] == {"claimName": volume["name"]}
    }
    short = {role: _short_pod(pod, claims) for role, pod in pods.items()}
    mounted_by_name = {name for pod in short.values() for name in _names(pod.get("volumeMounts"))}
    kept = [
        v for v in item.get("volumes") or () if not isinstance(v, dict) or v.get("name") not in mounted_by_name & claims
    ]
    if "volumes" in item:
        item["volumes"] = kept
        if not kept and claims:
            del item["volumes"]
    driver = {**short["driver"], **account}
    if driver.get("serviceAccount") == ACCOUNT:
        del driver["serviceAccount"]
    return {**item, **_said("driver", driver), **_said("executor", short["executor"])}


def _names(mounts: Any) -> set[str]:
    return set(mounts) if isinstance(mounts, dict) else set()


def _short_pod(pod: dict[str, Any], claims: set[str]) -> dict[str, Any]:
    result = {key: shorten(value, key) if key in ("env", "template") else value for key, value in pod.items()}
    mounts = maps(pod.get("volumeMounts"))
    names = [mount.get("name") for mount in mounts]
    if mounts and len(set(names)) == len(mounts) and all(isinstance(name, str) for name in names):
        short: dict[str, Any] = {}
        for mount in mounts:
            rest = {key: value for key, value in mount.items() if key != "name"}
            short[mount["name"]] = rest["mountPath"] if rest.keys() == {"mountPath"} else rest
        result["volumeMounts"] = short
    return result
