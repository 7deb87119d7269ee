"""The stages in a row: a spec file to every environment's verified objects.

What environments share is done once: items that an environment leaves alone keep their identity from stage to stage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, NamedTuple

from kfspec import catalog
from kfspec.catalog.releases import NATIVE_PIPELINES
from kfspec.codefiles import CodeReader
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Diagnostics, Note, Severity, has_errors, in_order
from kfspec.document import Document, place
from kfspec.environments import declared_in_environment_only, environment_names, resolve, touched
from kfspec.includes import AS_THEY_ARE, project_root, read_file, read_spec
from kfspec.lowering import Lowering, lower
from kfspec.packages import Execution, PackageReader
from kfspec.resource import Resource
from kfspec.spec.project import Project, check
from kfspec.spec.settings import Settings
from kfspec.suppression import suppress
from kfspec.wording import nearest

if TYPE_CHECKING:
    from kfspec.forking import Work


class Build(NamedTuple):
    """Everything that a spec compiles to. Where `diagnostics` holds an error, the objects are not to be used."""

    project: str | None
    environment_names: tuple[str, ...]
    base: tuple[Resource, ...]
    """The objects of the spec's top level, as far as they exist without an environment."""
    environments: dict[str, tuple[Resource, ...]]
    files: dict[str, dict[str, bytes]]
    """Environment -> name -> content of files that are copied byte for byte (encrypted secrets)."""
    diagnostics: Diagnostics
    """Placed, in order; a finding that several environments share is there once."""
    texts: dict[str, str]
    """File -> source, for excerpts."""


class Environment(NamedTuple):
    """One environment on its way through the stages."""

    name: str
    document: Document
    project: Project | None = None
    lowering: Lowering | None = None
    release: catalog.Release | None = None
    files: dict[str, bytes] = {}  # noqa: RUF012 - never changed
    diagnostics: tuple[Diagnostic, ...] = ()


class Prepared(NamedTuple):
    """A spec whose objects are lowered. `judge` says what is wrong with them, which is the long part of the work, unless their
    judges were begun: then `together` does, of what they found."""

    build: Build
    """Its findings are those of reading alone."""
    results: tuple[Environment, ...]
    document: Document | None

    def environment(self, name: str) -> Environment | None:
        """One environment; None where it could not be taken through the stages, which was said."""
        return next((result for result in self.results if result.name == name), None)

    def judge(self) -> Diagnostics:
        """Every finding of every environment, placed and in order."""
        document = self.document
        return self.together(_judge(result, document) for result in self.results if document is not None)

    def together(self, judged: Iterable[Diagnostics]) -> Diagnostics:
        """What `judges` found, in order; a finding that several environments share is there once."""
        if self.document is None:
            return self.build.diagnostics
        by_name = zip((result.name for result in self.results), judged, strict=True)
        found = [*self.build.diagnostics, *_merged(by_name, self.build.environment_names)]
        return in_order(suppress(found, self.document.texts))


def together(prepared: Sequence[Prepared], judged: Iterable[Diagnostics]) -> list[Diagnostics]:
    """The findings of each of several specs, of what the judges of all of them found."""
    found = iter(judged)
    return [one.together(islice(found, len(one.results))) for one in prepared]


class _Readers(NamedTuple):
    """Readers of what items name, shared by all environments."""

    code: CodeReader
    packages: PackageReader


def build(spec: FilePath, environments: Sequence[str] = (), execution: Execution = Execution.REFUSED) -> Build:
    """Read `spec` and take it through every stage before render.

    `environments` restricts the work to those; a name that the spec does not declare is passed over (see
    `Build.environment_names`). `execution`: whether sources of pipelines may be run, to compile them. No exception is
    raised for anything that a spec can hold.
    """
    prepared = prepare(spec, environments, execution)
    return prepared.build._replace(diagnostics=prepared.judge())


def prepare(
    spec: FilePath,
    environments: Sequence[str] = (),
    execution: Execution = Execution.REFUSED,
    instead: Mapping[FilePath, bytes] = AS_THEY_ARE,
    begin: Callable[[Work, int], None] | None = None,
) -> Prepared:
    """Read, resolve, check and lower: all that rendering needs. `instead`: see `includes.read_spec`; `begin` is given the
    judge of each environment as soon as it can work, and how many objects there are."""
    document, found = read_spec(spec, instead)
    if document is None or has_errors(found):
        texts = document.texts if document else _text_of(spec)
        return Prepared(Build(None, (), (), {}, {}, in_order(found), texts), (), None)
    names = environment_names(document)
    chosen = [name for name in names if not environments or name in environments]
    root = project_root(spec)
    readers = _Readers(CodeReader(root), PackageReader(root, execution))
    base = _stages("", document, None, readers)
    results = []
    for name in chosen:
        result = _with_files(_stages(name, document, base, readers), spec)
        results.append(result)
        if begin is not None:
            begin(
                partial(_judge, result, document), len(result.lowering.resources) if result.lowering is not None else 0
            )
    built = Build(
        next((r.project.settings.project for r in results if r.project is not None), None),
        names,
        base.lowering.resources if base.lowering is not None else (),
        {r.name: r.lowering.resources if r.lowering is not None else () for r in results},
        {r.name: r.files for r in results if r.files},
        found,
        document.texts,
    )
    return Prepared(built, tuple(results), document)


def _text_of(spec: FilePath) -> dict[str, str]:
    """The source of a file that could not be read as a spec, for excerpts."""
    try:
        return {str(spec): spec.read_text(encoding="utf-8", errors="replace")} if spec.is_file() else {}
    except OSError:
        return {}


def _stages(name: str, root: Document, base: Environment | None, readers: _Readers) -> Environment:
    """resolve, check and lower. `base` None: the top level itself."""
    document, found = resolve(root, name if base is not None else None)
    result = Environment(name, document, diagnostics=found)
    if has_errors(found):
        return result
    earlier = base.project if base is not None else None
    project, problems = check(document, name or None, earlier, touched(root, name))
    result = result._replace(project=project, diagnostics=found + problems)
    if project is None:
        return result
    settings = project.settings
    release, problems = catalog.release(settings.kubeflow, settings.components)
    if release is not None and settings.platform.pipelines == "kubernetes":
        release = release._replace(optional=release.optional - {NATIVE_PIPELINES})
    result = result._replace(release=release, diagnostics=result.diagnostics + problems)
    if release is None:
        return result
    code, problems = readers.code.read(project)
    result = result._replace(diagnostics=result.diagnostics + problems)
    packages, problems = readers.packages.read(project)
    result = result._replace(diagnostics=result.diagnostics + problems)
    lowering, problems = lower(project, release, base.lowering if base is not None else None, code, packages)
    return result._replace(lowering=lowering, diagnostics=result.diagnostics + problems)


def _judge(result: Environment, root: Document) -> Diagnostics:
    """Verify what was lowered, check references, and place every finding."""
    from kfspec.checks import poddefaults, references, trainingruntimes  # here: a large compile judges elsewhere
    from kfspec.verification import verify

    found = list(result.diagnostics)
    if result.lowering is not None and result.project is not None and result.release is not None:
        resources = (*result.lowering.resources, *result.lowering.templates)
        project = result.project
        found.extend(references.check(resources, project.items.values(), project.settings.externals, result.release))
        found.extend(poddefaults.check(resources, result.release))
        found.extend(trainingruntimes.check(resources, project.settings.externals, result.release))
        found.extend(_as_neighbours(result.lowering, project.settings, result.release))
        found.extend(verify(resources, result.release))
    found = _overrides_of_nothing(found, root, result.name)
    severities = result.project.settings.policies.severity if result.project is not None else {}
    found = [d._replace(severity=Severity(severities[d.code])) if d.code in severities else d for d in found]
    return place(result.document, tuple(found))


def _as_neighbours(lowering: Lowering, settings: Settings, release: catalog.Release) -> Iterator[Diagnostic]:
    """What is wrong with the objects of a namespace together."""
    from kfspec.checks import together

    external = [settings.namespaceMap.get(name, name) for name in settings.externals.profiles]
    labels = settings.platform.namespaceLabels
    return together.check(lowering.resources, release, templates=lowering.templates, namespaces=external, labels=labels)


def _overrides_of_nothing(found: list[Diagnostic], root: Document, environment: str) -> list[Diagnostic]:
    """An incomplete item that only an environment has is a misspelt override: say that, once, instead."""
    alone = declared_in_environment_only(root, environment)
    broken = {d.path[:2] for d in found if d.severity is Severity.ERROR and d.path[:2] in alone}
    if not broken:
        return found
    kept = []
    explained = set()
    for path in sorted(broken):
        block, name = str(path[0]), str(path[1])
        declared = root.value.get(block)
        near = nearest(name, declared) if isinstance(declared, dict) else None
        incomplete = any(d.path == path and d.code == "KF102" for d in found)
        if near is None and not incomplete:
            continue
        message = f"environment '{environment}' changes '{block}.{name}', which the spec does not declare"
        hint = f"did you mean '{near}'?" if near else "an item that only an environment has must be complete there"
        kept.append(finding("KF105", message, path, hint=hint, at_key=True))
        explained.add(path)
    return [d for d in found if d.path[:2] not in explained] + kept


def _with_files(result: Environment, spec: FilePath) -> Environment:
    """The environment with the content of the files that it copies."""
    if result.project is None or not result.project.settings.files:
        return result
    content: dict[str, bytes] = {}
    found: list[Diagnostic] = []
    root = project_root(spec)
    for n, name in enumerate(result.project.settings.files):
        data, problems = read_file(spec.parent / name, root, ("files", n))
        found.extend(problems)
        if data is not None:
            content[name] = data
    return result._replace(files=content, diagnostics=(*result.diagnostics, *found))


def _merged(judged: Iterable[tuple[str, Diagnostics]], names: tuple[str, ...]) -> list[Diagnostic]:
    """Findings of all environments; one that only some of them have says which."""
    where: dict[Diagnostic, list[str]] = {}
    for name, found in judged:
        # a job that is borrowed as a trial is judged twice, and may be refused at once or at its first trial
        once = {(d.code, d.message, d.path): d for d in reversed(found)}
        for diagnostic in once.values():
            where.setdefault(diagnostic, []).append(name)
    merged = []
    for diagnostic, seen in where.items():
        if len(seen) < len(names):
            word = "environment" if len(seen) == 1 else "environments"
            note = Note(f"in {word} {', '.join(seen)}")
            diagnostic = diagnostic._replace(notes=(*diagnostic.notes, note))
        merged.append(diagnostic)
    return merged
