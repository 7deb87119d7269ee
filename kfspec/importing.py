"""import: a spec for what exists already as manifests.

Every object is lifted to an item, the shortest whose lowering is equivalent to the object; what no kind can say goes
to `resources`. A literal that looks like a credential never gets into the spec.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from kfspec import kinds
from kfspec.catalog import Release
from kfspec.catalog import release as find_release
from kfspec.checks import references
from kfspec.codes import finding
from kfspec.credentials import env_credential
from kfspec.diagnostics import Diagnostic, Diagnostics, Severity, has_errors, in_order
from kfspec.document import place
from kfspec.equivalence import equivalent
from kfspec.kinds.base import Context, Kind
from kfspec.kinds.lifting import run_name
from kfspec.manifests import objects_of, read_manifests
from kfspec.resource import Body, Resource
from kfspec.spec.settings import Externals, Platform
from kfspec.yamlio.load import load

HOME_PROFILE = "kubeflow-user-example-com"
"""The profile of objects that say no namespace: the one that the default install makes."""

_RUN_BLOCKS = frozenset({"trainingJobs", "experiments"})


class Imported(NamedTuple):
    """The spec, and what there is to say about it."""

    spec: dict[str, Any]
    diagnostics: Diagnostics
    """Placed in the manifests."""
    texts: dict[str, str]
    passed_through: int
    """How many objects stand under `resources`."""
    objects: int


class _Lifted(NamedTuple):
    block: str
    name: str
    profile: str
    item: dict[str, Any]
    resources: tuple[Resource, ...]


def import_manifests(paths: Sequence[str], project: str, kubeflow: str = "1.10") -> Imported:
    """The spec of every object in files, directories and, as `-`, standard input."""
    release, problems = find_release(kubeflow)
    if release is None:
        return Imported({}, problems, {}, 0, 0)
    found: list[Diagnostic] = []
    texts: dict[str, str] = {}
    bodies: list[Body] = []
    secrets: set[str] = set()
    for file, data in read_manifests(paths, found):
        documents, of_load = load(data, file, dialect="kubectl")
        of_file: list[Diagnostic] = list(of_load)
        for document in documents:
            for resource in objects_of(document):
                body, said = _readable(resource)
                of_file.extend(place(document, said))
                if body is not None:
                    body, taken = _without_credentials(body)
                    secrets |= taken.keys()
                    of_file.extend(place(document, [_at(resource, d) for ds in taken.values() for d in ds]))
                    bodies.append(body)
                elif resource.ref.kind == "Secret" and resource.ref.name:
                    secrets.add(resource.ref.name)
        if of_file:
            texts[file] = documents[0].texts[file] if documents else data.decode("utf-8", "replace")
            found.extend(of_file)
    lifted = list(_lift_all(bodies, release))
    spec = _spec(lifted, project, kubeflow, secrets, release)
    passed = sum(each.block == "resources" for each in lifted)
    return Imported(spec, in_order(found), texts, passed, len(bodies))


def _at(resource: Resource, diagnostic: Diagnostic) -> Diagnostic:
    return diagnostic._replace(path=resource.origins[()].path + diagnostic.path)


def _readable(resource: Resource) -> tuple[Body | None, list[Diagnostic]]:
    """The object, or why it cannot be imported."""
    ref, body = resource.ref, resource.body
    if not isinstance(body, dict) or not ref.kind or not isinstance(body.get("apiVersion"), str):
        problem = finding("KF134", "this is no Kubernetes object, and is passed over")
    elif not ref.name:
        hint = "give it a name"
        problem = finding("KF134", f"the {ref.kind} has no name, and is passed over", hint=hint)
    elif (ref.group, ref.kind) == ("", "Secret"):
        hint = "it is listed under 'externals.secrets'"
        held = tuple(key for key in ("data", "stringData") if key in body)[:1]
        message = f"the Secret '{ref.name}' stays out of the spec"
        problem = finding("KF351", message, held, hint=hint, at_key=True, severity=Severity.WARNING)
    else:
        return body, []
    return None, [_at(resource, problem)]


def _without_credentials(body: Body) -> tuple[Body, dict[str, list[Diagnostic]]]:
    """The object with references to a Secret in the place of literals; the Secret's name -> what was found."""
    secret = f"{body['metadata']['name']}-credentials"
    taken: list[Diagnostic] = []

    def walk(value: Any, path: tuple[str | int, ...]) -> Any:
        if isinstance(value, list):
            return [walk(item, (*path, n)) for n, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        name, literal = value.get("name"), value.get("value")
        if path[-2:-1] == ("env",) and isinstance(name, str) and isinstance(literal, str):
            what = env_credential(name, literal)
            if what is not None:
                hint = f"put it into a Secret '{secret}', under the key '{name}'"
                message = f"the value of '{name}' looks like {what}, and stays out of the spec"
                taken.append(finding("KF350", message, (*path, "value"), hint=hint, severity=Severity.WARNING))
                return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": name}}}
        return {key: walk(item, (*path, key)) for key, item in value.items()}

    changed: Body = walk(body, ())
    return changed, ({secret: taken} if taken else {})


# -- lifting ----------------------------------------------------------------------------------------------------


def _blocks() -> dict[tuple[str, str], tuple[str, str]]:
    """(group, kind) of an object -> the block and the module that may stand for it."""
    table = {
        ("kubeflow.org", "Profile"): ("profiles", "profile"),
        ("", "PersistentVolumeClaim"): ("volumes", "volume"),
        ("kubeflow.org", "PodDefault"): ("podDefaults", "poddefault"),
        ("kubeflow.org", "Notebook"): ("notebooks", "notebook"),
        ("serving.kserve.io", "InferenceService"): ("inferenceServices", "inferenceservice"),
        ("kubeflow.org", "Experiment"): ("experiments", "katib.experiment"),
    }
    jobs = kinds.BLOCKS["trainingJobs"]
    return table | {("kubeflow.org", kind): ("trainingJobs", module) for kind, module in jobs.items()}


def _lift_all(bodies: list[Body], release: Release) -> Iterator[_Lifted]:
    table = _blocks()
    profiles = {b["metadata"]["name"] for b in bodies if b["kind"] == "Profile"}
    taken: set[tuple[str, str]] = set()
    for body in bodies:
        group = body["apiVersion"].rpartition("/")[0]
        if (group, body["kind"]) == ("", "Namespace") and body["metadata"]["name"] in profiles:
            continue  # the profile's item makes it
        block, module = table.get((group, body["kind"]), ("resources", "resources"))
        lifted = _lift(body, block, module, release, taken) if block != "resources" else None
        lifted = lifted or _passed_through(body, release, taken)
        taken.add((lifted.block, lifted.name))
        yield lifted


def _lift(body: Body, block: str, module: str, release: Release, taken: set[tuple[str, str]]) -> _Lifted | None:
    """The first of the kind's items whose lowering is equivalent to the object."""
    given = body["metadata"]["name"]
    name = run_name(given) if block in _RUN_BLOCKS else given
    if (block, name) in taken:
        return None
    kind = kinds.load(module)
    profile = "" if block == "profiles" else body["metadata"].get("namespace") or HOME_PROFILE
    for item in kind.lift(body):
        resources = _lowered(kind, item, _context(block, name, profile or name, release))
        if any(equivalent(body, resource.body, release) for resource in resources):
            return _Lifted(block, name, profile, item, resources)
    return None


def _lowered(kind: Kind, item: dict[str, Any], ctx: Context) -> tuple[Resource, ...]:
    """What the item compiles to; nothing where it is wrong."""
    from pydantic import ValidationError

    try:
        lowered = kind.lower(kind.Item.model_validate(item), ctx)
    except ValidationError:
        return ()
    return () if has_errors(lowered.diagnostics) else lowered.resources


def _passed_through(body: Body, release: Release, taken: set[tuple[str, str]]) -> _Lifted:
    meta = body["metadata"]
    name = base = (
        f"{meta['name']}" if ("resources", meta["name"]) not in taken else f"{meta['name']}-{body['kind'].lower()}"
    )
    number = 2
    while ("resources", name) in taken:
        name, number = f"{base}-{number}", number + 1
    kept = {key: meta[key] for key in ("name", "labels", "annotations") if key in meta}
    if name == meta["name"]:
        del kept["name"]
    item = {
        "apiVersion": body["apiVersion"],
        "kind": body["kind"],
        **({"metadata": kept} if kept else {}),
        **{key: value for key, value in body.items() if key not in ("apiVersion", "kind", "metadata", "status")},
    }
    group = body["apiVersion"].rpartition("/")[0]
    namespaced = release.namespaced(group, body["kind"])
    profile = meta.get("namespace") or (HOME_PROFILE if namespaced else "")
    if namespaced is None and not profile:
        item["clusterScoped"] = True
    kind = kinds.load("resources")
    return _Lifted(
        "resources", name, profile, item, _lowered(kind, item, _context("resources", name, profile, release))
    )


def _context(block: str, name: str, profile: str, release: Release) -> Context:
    return Context(
        project="import",
        path=(block, name),
        name=name,
        profile=profile,
        namespace=profile,
        namespaces={profile: profile},
        declared={},
        platform=Platform(),
        release=release,
        text=lambda path: None,
    )


# -- the spec ---------------------------------------------------------------------------------------------------


def _spec(lifted: list[_Lifted], project: str, kubeflow: str, secrets: set[str], release: Release) -> dict[str, Any]:
    profiles = {each.name for each in lifted if each.block == "profiles"}
    used = Counter(each.profile for each in lifted if each.profile)
    default = used.most_common(1)[0][0] if used else None
    externals: dict[str, set[str]] = {"profiles": used.keys() - profiles, "secrets": set(secrets)}
    resources = tuple(resource for each in lifted for resource in each.resources)
    for block, name in references.undeclared(resources, Externals(), release):
        externals.setdefault(block, set()).add(name)
    spec: dict[str, Any] = {"apiVersion": "kfspec.dev/v1alpha1", "project": project, "kubeflow": kubeflow}
    outside = {block: sorted(names) for block, names in externals.items() if names}
    if outside:
        spec["externals"] = outside
    if default is not None:
        spec["defaults"] = {"profile": default}
    for block in kinds.BLOCKS:
        items = {
            each.name: {**({"profile": each.profile} if each.profile not in ("", default) else {}), **each.item}
            for each in lifted
            if each.block == block
        }
        if items:
            spec[block] = items
    return spec
