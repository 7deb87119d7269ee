"""import: a spec for what exists already as manifests.

Every object is lifted to an item, the shortest whose lowering is equivalent to the object; what no kind can say goes
to `resources`. A literal that looks like a credential never gets into the spec.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from kfspec import kinds
from kfspec.catalog import KindEntry, Release
from kfspec.catalog import release as find_release
from kfspec.catalog.explain import explain
from kfspec.catalog.schema import load_schema
from kfspec.checks import references, trainingruntimes
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Diagnostics, Severity, has_errors, in_order
from kfspec.document import Document, place
from kfspec.equivalence import equivalent
from kfspec.ir.package import inline, unplaced
from kfspec.kinds import profile_lift
from kfspec.kinds.base import Context, Kind
from kfspec.kinds.lifting import own_metadata, run_name
from kfspec.kinds.pipelines import lifting as pipelines
from kfspec.manifestfiles import search
from kfspec.manifests import documents_of, objects_of
from kfspec.resource import Body, Resource
from kfspec.spec.settings import Externals, Platform
from kfspec.withholding import without_credentials
from kfspec.wording import describe

HOME_PROFILE = "kubeflow-user-example-com"
"""The profile of objects that say no namespace: the one that the default install makes."""


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


def import_manifests(
    paths: Sequence[str], project: str, kubeflow: str = "1.10", components: Mapping[str, str] | None = None
) -> Imported:
    """The spec of every object in files, directories and, as `-`, standard input. `components`: single ones at other
    versions than the release's."""
    release, problems = find_release(kubeflow, components)
    if release is None:
        return Imported({}, problems, {}, 0, 0)
    found: list[Diagnostic] = []
    texts: dict[str, str] = {}
    bodies: list[Body] = []
    places: list[tuple[Document, Resource]] = []
    secrets: set[str] = set()
    for source in search(paths, found).files:
        file = source.name
        documents, _, of_load = documents_of(source)
        of_file: list[Diagnostic] = list(of_load)
        for document in documents:
            for resource in objects_of(document):
                body, said = _readable(resource)
                of_file.extend(place(document, said))
                if body is not None:
                    body, taken = without_credentials(pipelines.stored(body))
                    secrets |= taken.keys()
                    of_file.extend(place(document, [_at(resource, d) for ds in taken.values() for d in ds]))
                    bodies.append(body)
                    places.append((document, resource))
                elif resource.ref.kind == "Secret" and resource.ref.name:
                    secrets.add(resource.ref.name)
        if of_file:
            texts[file] = documents[0].texts[file] if documents else source.data.decode("utf-8", "replace")
            found.extend(of_file)
    notes: dict[int, Diagnostic] = {}
    lifted = list(_lift_all(bodies, release, notes))
    for body, (document, resource) in zip(bodies, places, strict=True):
        if id(body) in notes:
            found.extend(place(document, [_at(resource, notes[id(body)])]))
            texts.update(document.texts)
    spec = _spec(lifted, {"project": project, "kubeflow": kubeflow, **_given(components)}, secrets, release)
    passed = sum(each.block == "resources" for each in lifted)
    return Imported(spec, in_order(found), texts, passed, len(bodies))


def _at(resource: Resource, diagnostic: Diagnostic) -> Diagnostic:
    return diagnostic._replace(path=resource.origins[()].path + diagnostic.path)


def _readable(resource: Resource) -> tuple[Body | None, list[Diagnostic]]:
    """The object, or why it cannot be imported."""
    ref, body = resource.ref, resource.body
    if not isinstance(body, dict) or not ref.kind or not isinstance(body.get("apiVersion"), str):
        problem = finding("KF134", "this is no Kubernetes object, and is passed over")
    elif (key := _misshapen(body.get("metadata"))) is not None:
        message = f"'{key}' of the {ref.kind} cannot be {describe(body['metadata'][key])}: the object is passed over"
        problem = finding("KF134", message, ("metadata", key))
    elif not ref.name and (named := _generated(body)) is not None and (ref.group, ref.kind) in kinds.RUNS:
        return named, []
    elif not ref.name:
        hint = "give it a name"
        problem = finding("KF134", f"the {ref.kind} has no name, and is passed over", hint=hint)
    elif (ref.group, ref.kind) == ("", "Secret"):
        hint = "it is listed under 'externals.secrets'"
        held = tuple(key for key in ("data", "stringData") if key in body)[:1]
        message = f"the Secret '{ref.name}' stays out of the spec"
        problem = finding("KF351", message, held, hint=hint, at_key=True, severity=Severity.WARNING)
    elif (literal := pipelines.credential(body)) is not None:
        hint = "give the task a Secret with kfp-kubernetes: use_secret_as_env"
        message = f"the {ref.kind} '{ref.name}' holds what looks like {literal[1]}, and stays out of the spec"
        problem = finding("KF350", message, literal[0], hint=hint, severity=Severity.WARNING)
    else:
        return body, []
    return None, [_at(resource, problem)]


def _generated(body: Body) -> Body | None:
    """A run whose name the server would make up, by the beginning of that name: kfspec has a hash follow it as well."""
    meta = body.get("metadata")
    prefix = meta.get("generateName") if isinstance(meta, dict) else None
    name = prefix.rstrip("-") if isinstance(prefix, str) else ""
    rest = {key: value for key, value in body["metadata"].items() if key != "generateName"} if name else {}
    return {**body, "metadata": {**rest, "name": name}} if name else None


def _misshapen(metadata: Any) -> str | None:
    """What of an object's metadata has not the form that whoever reads it counts on."""
    for key, wanted in (("namespace", str), ("labels", dict), ("annotations", dict)):
        given = metadata.get(key) if isinstance(metadata, dict) else None
        if given is not None and not isinstance(given, wanted):
            return key
    return None


# -- lifting ----------------------------------------------------------------------------------------------------


def _blocks() -> dict[tuple[str, str], tuple[str, str]]:
    """(group, kind) of an object -> the block and the module that may stand for it."""
    table = {
        ("kubeflow.org", "Profile"): ("profiles", "profile"),
        ("", "PersistentVolumeClaim"): ("volumes", "volume"),
        ("kubeflow.org", "PodDefault"): ("podDefaults", "poddefault"),
        ("kubeflow.org", "Notebook"): ("notebooks", "notebook"),
        ("serving.kserve.io", "InferenceService"): ("inferenceServices", "inferenceservice"),
        ("serving.kserve.io", "ServingRuntime"): ("servingRuntimes", "kserve.servingruntime"),
        ("serving.kserve.io", "ClusterServingRuntime"): ("servingRuntimes", "kserve.servingruntime"),
        ("serving.kserve.io", "InferenceGraph"): ("inferenceGraphs", "kserve.inferencegraph"),
        ("serving.kserve.io", "TrainedModel"): ("trainedModels", "kserve.trainedmodel"),
        ("serving.kserve.io", "LocalModelCache"): ("modelCaches", "kserve.modelcache"),
        ("kubeflow.org", "Experiment"): ("experiments", "katib.experiment"),
        ("tensorboard.kubeflow.org", "Tensorboard"): ("tensorboards", "kubeflow.tensorboard"),
        ("sparkoperator.k8s.io", "SparkApplication"): ("sparkApplications", "spark.sparkapplication"),
        ("sparkoperator.k8s.io", "ScheduledSparkApplication"): ("sparkApplications", "spark.sparkapplication"),
        ("sparkoperator.k8s.io", "SparkConnect"): ("sparkConnects", "spark.sparkconnect"),
    }
    jobs = kinds.BLOCKS["trainingJobs"]
    runtime = ("trainingRuntimes", "trainer.trainingruntime")
    table |= {("trainer.kubeflow.org", kind): runtime for kind in ("TrainingRuntime", "ClusterTrainingRuntime")}
    group = {"trainer.trainjob": "trainer.kubeflow.org"}
    return table | {
        (group.get(module, "kubeflow.org"), kind): ("trainingJobs", module) for kind, module in jobs.items()
    }


def _lift_all(bodies: list[Body], release: Release, notes: dict[int, Diagnostic]) -> Iterator[_Lifted]:
    """`notes`: by the identity of an object, why no item stands for it though one might have."""
    table = _blocks()
    profiles = {b["metadata"]["name"] for b in bodies if b["kind"] == "Profile"}
    taken: set[tuple[str, str]] = set()
    viewers = {(b["metadata"].get("namespace"), b["metadata"]["name"]): b for b in bodies if b["kind"] == "PVCViewer"}
    homes: dict[str, list[Body]] = {}
    for body in bodies:
        here = body["metadata"]["name"] if body["kind"] == "Namespace" else body["metadata"].get("namespace")
        homes.setdefault(str(here), []).append(body)
    said: set[int] = set()
    """Objects that another one's item stands for, by identity."""
    for body in sorted(bodies, key=_last):
        group = body["apiVersion"].rpartition("/")[0]
        place = (body["metadata"].get("namespace"), body["metadata"]["name"])
        if id(body) in said or (body["kind"] == "PVCViewer" and place not in viewers):
            continue  # another item makes it
        if (group, body["kind"]) == ("", "Namespace") and body["metadata"]["name"] in profiles:
            continue  # the profile's item makes it
        block, module = table.get((group, body["kind"]), ("resources", "resources"))
        lifted = _lift(body, block, module, release, taken) if block != "resources" else None
        if (group, body["kind"]) == (pipelines.GROUP, "Pipeline"):
            lifted, version, why = _lift_pipeline(body, bodies, release, taken)
            said |= {id(version)}
            if lifted is None:
                notes[id(body)] = _kept(body, why)
        if lifted is not None and block == "volumes" and place in viewers:
            shown = _with_viewer(lifted, viewers[place], release)
            lifted = shown or lifted
            if shown is not None:
                del viewers[place]
        if lifted is not None and block in _BESIDE:
            home = lifted.name if block == "profiles" else str(place[0])
            lifted, made = _with_beside(lifted, homes.get(home, []), module, release)
            said |= made
        lifted = lifted or _passed_through(body, release, taken)
        taken.add((lifted.block, lifted.name))
        yield lifted


_BESIDE = {"profiles": profile_lift.of_profile, "inferenceServices": profile_lift.of_service}
"""Blocks whose items may stand for more objects of their namespace, and what says which."""


def _last(body: Body) -> bool:
    """Whether others' items may stand for the object: those are read first."""
    return body["kind"] in ("PVCViewer", "PipelineVersion") or body["kind"] in profile_lift.KINDS


def _with_beside(lifted: _Lifted, bodies: list[Body], module: str, release: Release) -> tuple[_Lifted, set[int]]:
    """The item with what it can say of other objects, and which those are."""
    kind = kinds.load(module)
    ctx = _context(lifted.block, lifted.name, lifted.profile or lifted.name, release)
    said: set[int] = set()
    for beside in _BESIDE[lifted.block](lifted.name, bodies):
        if any(id(body) in said for body in beside.bodies):
            continue
        others = {name: name for name in profile_lift.profiles_of({beside.field: beside.value})}
        ctx = ctx._replace(namespaces={**ctx.namespaces, **others})
        item = beside.added(lifted.item)
        made = _lowered(kind, item, ctx)
        if made and all(any(equivalent(body, r.body, release) for r in made) for body in beside.bodies):
            lifted = lifted._replace(item=item, resources=made)
            said |= {id(body) for body in beside.bodies}
    return lifted, said


def _lift(body: Body, block: str, module: str, release: Release, taken: set[tuple[str, str]]) -> _Lifted | None:
    """The first of the kind's items whose lowering is equivalent to the object."""
    given = body["metadata"]["name"]
    kind_of = (body["apiVersion"].rpartition("/")[0], body["kind"])
    name = run_name(given) if kind_of in kinds.RUNS else given
    entry = release.kind(*kind_of)
    if entry is not None and not _as_served(body, entry):
        return None  # as it stands: `validate` says what is wrong
    kind = kinds.load(module)
    profile = "" if entry is not None and not entry.namespaced else body["metadata"].get("namespace") or HOME_PROFILE
    while name:
        named = {**body, "metadata": {**body["metadata"], "name": name}}
        for item in kind.lift(body) if (block, name) not in taken else ():
            resources = _lowered(kind, item, _context(block, name, profile or name, release))
            if any(equivalent(named, resource.body, release) for resource in resources):
                return _Lifted(block, name, profile, item, resources)
        # a run's hash needs room, and its name is another one in any case
        name = name.rpartition("-")[0] if kind_of in kinds.RUNS and len(name) > _LONG else ""
    return None


def _as_served(body: Body, entry: KindEntry) -> bool:
    """Whether the object is of a version that the release serves, and every value of the type that its field wants; another
    program may have a kind of the same name."""
    version = body["apiVersion"].rpartition("/")[2]
    if version not in entry.versions:
        return False
    for found in explain(load_schema(entry, version), body, lenient_nulls=False):
        if found.code == "KF103" or (found.code == "KF126" and isinstance(found.path[-1], int)):
            return False
    return True


_LONG = 30
"""Names of runs that may be too long with their hash; shorter ones fit every kind."""


def _lift_pipeline(
    pipeline: Body, bodies: list[Body], release: Release, taken: set[tuple[str, str]]
) -> tuple[_Lifted | None, Body | None, str]:
    """A Pipeline with one of its versions, and which that is; else why not."""
    name = pipeline["metadata"]["name"]
    if (pipelines.BLOCK, name) in taken:
        return None, None, "another one has its name"
    version, why = pipelines.version_of(pipeline, bodies)
    if version is None:
        return None, None, why
    profile = pipeline["metadata"].get("namespace") or HOME_PROFILE
    kind, why = kinds.load("pipelines.pipeline"), "the block cannot say all of it"
    ctx = _context(pipelines.BLOCK, name, profile, release)._replace(platform=Platform(pipelines="kubernetes"))
    for item in pipelines.items(pipeline, version):
        package, problems = inline(unplaced(item["package"], "package"))
        made, found = _lowered_and_told(kind, item, ctx._replace(package={(*ctx.path, "package"): package}.get))
        if wrong := next((d for d in (*problems, *found) if d.severity is Severity.ERROR), None):
            why = wrong.message
        elif all(any(equivalent(body, r.body, release) for r in made) for body in (pipeline, version)):
            return _Lifted(pipelines.BLOCK, name, profile, item, made), version, ""
    return None, None, why


def _kept(pipeline: Body, why: str) -> Diagnostic:
    message = f"the Pipeline '{pipeline['metadata']['name']}' and its versions stay under 'resources': {why}"
    return finding("KF782", message, ("metadata", "name"))


def _with_viewer(volume: _Lifted, viewer: Body, release: Release) -> _Lifted | None:
    """The volume with a viewer of its name, if its item can say that."""
    from kfspec.kinds.volume import lift_viewer  # here: kinds load when they are used

    ctx = _context("volumes", volume.name, volume.profile, release)
    for said in lift_viewer(viewer):
        item = {**volume.item, "viewer": said}
        resources = _lowered(kinds.load("volume"), item, ctx)
        if any(equivalent(viewer, resource.body, release) for resource in resources):
            return volume._replace(item=item, resources=resources)
    return None


def _lowered(kind: Kind, item: dict[str, Any], ctx: Context) -> tuple[Resource, ...]:
    """What the item compiles to; nothing where it is wrong."""
    return _lowered_and_told(kind, item, ctx)[0]


def _lowered_and_told(kind: Kind, item: dict[str, Any], ctx: Context) -> tuple[tuple[Resource, ...], Diagnostics]:
    from pydantic import ValidationError

    try:
        lowered = kind.lower(kind.Item.model_validate(item), ctx)
    except ValidationError:
        return (), ()
    return (() if has_errors(lowered.diagnostics) else lowered.resources), lowered.diagnostics


def _passed_through(body: Body, release: Release, taken: set[tuple[str, str]]) -> _Lifted:
    meta = body["metadata"]
    name = base = (
        f"{meta['name']}" if ("resources", meta["name"]) not in taken else f"{meta['name']}-{body['kind'].lower()}"
    )
    number = 2
    while ("resources", name) in taken:
        name, number = f"{base}-{number}", number + 1
    kept = {**({"name": meta["name"]} if name != meta["name"] else {}), **own_metadata(body)}
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


def _given(components: Mapping[str, str] | None) -> dict[str, Any]:
    return {"components": dict(components)} if components else {}


def _spec(lifted: list[_Lifted], head: dict[str, Any], secrets: set[str], release: Release) -> dict[str, Any]:
    profiles = {each.name for each in lifted if each.block == "profiles"}
    used = Counter(each.profile for each in lifted if each.profile)
    default = used.most_common(1)[0][0] if used else None
    callers = {name for each in lifted for name in profile_lift.profiles_of(each.item)}
    externals: dict[str, set[str]] = {"profiles": (used.keys() | callers) - profiles, "secrets": set(secrets)}
    resources = tuple(resource for each in lifted for resource in each.resources)
    for block, name in references.undeclared(resources, Externals(), release):
        externals.setdefault(block, set()).add(name)
    for block, name in trainingruntimes.undeclared(resources, release):
        externals.setdefault(block, set()).add(name)
    spec: dict[str, Any] = {"apiVersion": "kfspec.dev/v1alpha1", **head}
    if any(each.block == pipelines.BLOCK for each in lifted):
        spec["platform"] = {"pipelines": "kubernetes"}
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
