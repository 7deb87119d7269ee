"""`kfspec validate`: all offline checks of specs, or of plain manifests."""

from __future__ import annotations

import click

from kfspec.cli.executing import ALLOW_EXEC, execution
from kfspec.cli.reporting import FORMATS, report, status


@click.command("validate")
@click.argument("specs", nargs=-1)
@click.option("-e", "--environment", "environments", multiple=True, help="Only this environment (repeatable).")
@click.option("--format", "format_name", type=click.Choice(FORMATS), default="text", help="How to print.")
@click.option("--strict", is_flag=True, help="Exit 1 for warnings too.")
@click.option("--manifests", is_flag=True, help="The arguments are plain Kubernetes manifests (`-`: standard input).")
@click.option("--kubeflow", default="1.10", show_default=True, help="With --manifests: the release they are for.")
@click.option("--admission-only", is_flag=True, help="With --manifests: only what Kubeflow itself refuses.")
@ALLOW_EXEC
@click.option("-q", "--quiet", is_flag=True, help="Say nothing unless there are errors.")
def command(
    specs: tuple[str, ...],
    environments: tuple[str, ...],
    format_name: str,
    strict: bool,
    manifests: bool,
    kubeflow: str,
    admission_only: bool,
    allow_exec: bool,
    quiet: bool,
) -> int:
    """Check specs (kfspec.yaml here) for all environments; no cluster is asked and, without --allow-exec, no code executed."""
    if manifests:
        from kfspec.manifests import check_manifests

        if not specs:
            raise click.UsageError("--manifests needs files, directories, or '-'")
        found = check_manifests(specs, kubeflow, admission_only=admission_only)
        done = f"{_count(found.objects, 'object')} checked"
        if found.passed_over:
            done += (
                f", {_count(found.passed_over, 'file')} passed over: not Kubernetes objects, or kustomize's or Helm's"
            )
        report(found.diagnostics, found.texts, format_name, quiet=quiet, done=done)
        return status(found.diagnostics, strict)
    if admission_only:
        raise click.UsageError("--admission-only goes with --manifests")
    from kfspec.cli.common import builds

    results = builds(specs, environments, execution(allow_exec, without=True))
    diagnostics = tuple(d for result in results for d in result.diagnostics)
    texts = {file: text for result in results for file, text in result.texts.items()}
    objects = sum(len(resources) for result in results for resources in result.environments.values())
    names = sum(len(result.environments) for result in results)
    report(
        diagnostics,
        texts,
        format_name,
        quiet=quiet,
        done=f"{_count(objects, 'object')} in {_count(names, 'environment')} checked",
    )
    return status(diagnostics, strict)


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"
