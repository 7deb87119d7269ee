"""`kfspec compile`: write, check or print what a spec compiles to."""

from __future__ import annotations

import sys
from itertools import chain
from pathlib import Path

import click

from kfspec.cli.common import DEFAULT_SPEC, begun
from kfspec.cli.executing import ALLOW_EXEC, execution
from kfspec.cli.reporting import report, status
from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Pos, has_errors
from kfspec.includes import project_root
from kfspec.kustomize import Tree, render, with_environment
from kfspec.ordering import in_order
from kfspec.pipeline import Build, together
from kfspec.tree import Pending, Written, stage, stale


@click.command("compile")
@click.argument("specs", nargs=-1)
@click.option("-e", "--environment", "environments", multiple=True, help="With --stdout: the environment to print.")
@click.option("-o", "--output", help="The directory to write.  [default: overlays]")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if the directory is not what would be written.")
@click.option("--stdout", "to_stdout", is_flag=True, help="Print one environment's objects as a YAML stream.")
@ALLOW_EXEC
@click.option("-q", "--quiet", is_flag=True, help="Say nothing unless there are errors.")
def command(
    specs: tuple[str, ...],
    environments: tuple[str, ...],
    output: str | None,
    check: bool,
    to_stdout: bool,
    allow_exec: bool,
    quiet: bool,
) -> int:
    """Compile specs (kfspec.yaml here) into base and overlays. With an error, nothing is written."""
    if environments and not to_stdout:
        raise click.UsageError("-e goes with --stdout: base and overlays are written together, or would not fit")
    if to_stdout and (output is not None or check):
        raise click.UsageError(f"--stdout prints, and {'-o' if output is not None else '--check'} is about a directory")
    output = output or "overlays"
    names = specs or (DEFAULT_SPEC,)
    prepared, children = begun(names, environments, execution(allow_exec))
    results = [p.build for p in prepared]
    pending = Pending()
    try:
        same = _same_project(names, results)
        tree, rendered = ({}, []) if to_stdout else _rendered(results)
        if not to_stdout and not check and tree is not None and not has_errors(same):
            pending = stage(tree, Path(output), project_root(Path(names[0])))
        found = (*chain.from_iterable(together(prepared, children.results())), *same, *rendered)
    except BaseException:  # an interrupt, or a mistake of ours: what was begun goes with it
        children.abandon()
        pending.abandon()
        raise
    done = ""
    if has_errors(found):
        pending.abandon()
    elif to_stdout:
        _print(results, environments)
    elif check:
        found = (*found, *stale(tree or {}, Path(output)))
        done = f"{output} is what the spec compiles to"
    else:
        written, problems = pending.commit()
        found = (*found, *problems)
        done = _summary(written, output)
    texts = {file: text for result in results for file, text in result.texts.items()}
    if found or not to_stdout:
        report(found, texts, "text", quiet=quiet, done=done, stream=sys.stderr)
    return status(found)


def _rendered(results: list[Build]) -> tuple[Tree | None, list[Diagnostic]]:
    """The files of all specs; None where there is an error, so that they are not to be written."""
    tree: Tree = {}
    found: list[Diagnostic] = []
    complete = all(result.project is not None for result in results)
    for result in results if complete else ():
        part, problems = render(result.project or "", result.base, result.environments, result.files)
        tree.update(part)
        found.extend(problems)
    return tree if complete and not has_errors(found) else None, found


def _print(results: list[Build], environments: tuple[str, ...]) -> None:
    from kfspec.yamlio.dump import dump

    names = [name for result in results for name in result.environments]
    if len(set(names)) != 1:
        raise click.UsageError(f"--stdout prints one environment; say which with -e: {', '.join(dict.fromkeys(names))}")
    documents = []
    for result in results:
        resources = {r.ref: r for r in result.environments.get(names[0], ())}
        documents += [dump(with_environment(resources[ref].body, names[0])) for ref in in_order(resources)]
    sys.stdout.write("---\n".join(documents))


def _same_project(specs: tuple[str, ...], results: list[Build]) -> list[Diagnostic]:
    """Two specs of one run that would write the same directory or the same object."""
    found = []
    projects: dict[str, str] = {}
    owners: dict[tuple[str, object], str] = {}
    for spec, result in zip(specs, results, strict=True):
        if result.project is None:
            continue
        here = Pos(spec, 1, 1, 1, 1)
        other = projects.setdefault(result.project, spec)
        if other != spec:
            message = f"'{spec}' and '{other}' are both the project '{result.project}'"
            found.append(finding("KF107", message, hint="give each project a name of its own")._replace(pos=here))
            continue
        for environment, resources in result.environments.items():
            for resource in resources:
                first = owners.setdefault((environment, resource.ref), spec)
                if first != spec:
                    message = f"'{spec}' and '{first}' both compile to {resource.ref} in '{environment}'"
                    hint = "let one of them declare it, and the other name it under 'externals'"
                    found.append(finding("KF106", message, hint=hint)._replace(pos=here))
    return found


def _summary(written: Written, output: str) -> str:
    changes = [
        f"{len(paths)} {word}"
        for word, paths in (("added", written.added), ("changed", written.changed), ("removed", written.removed))
        if paths
    ]
    if not changes:
        return f"{output} is current: {written.unchanged} files"
    return f"wrote {output}: {', '.join(changes)}, {written.unchanged} unchanged"
