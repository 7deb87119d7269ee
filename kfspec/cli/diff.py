"""`kfspec diff`: what applying a spec would do, before anybody does it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kfspec.cli.executing import ALLOW_EXEC, execution
from kfspec.cli.targets import choose, looking_options

if TYPE_CHECKING:
    from kfspec.sync.payload import Backend
    from kfspec.sync.service import Access

FORMATS = ("text", "json", "markdown", "html")


@click.command("diff")
@looking_options
@click.option("--against", default="cluster", help="cluster, snapshot:PATH or git:REV.", show_default=True)
@click.option("--format", "format_name", type=click.Choice(FORMATS), default="text", help="How to print.")
@click.option("--drift-only", is_flag=True, help="Only what somebody changed in the cluster.")
@click.option("--exact", is_flag=True, help="Ask the server about every object, unchanged ones too.")
@ALLOW_EXEC
@click.option("--field-manager", metavar="M", help="Speak as this field manager.")
@click.option("--kfp-endpoint", metavar="URL", help="Look into Kubeflow Pipelines too, which is only read.")
@click.option("--kfp-token-file", type=click.Path(path_type=Path), help="A token for it.")
@click.option("--registry-endpoint", metavar="URL", help="Look into Model Registry too, which is only read.")
@click.option("--registry-token-file", type=click.Path(path_type=Path), help="A token for it.")
def command(
    specs: tuple[str, ...],
    environment: str | None,
    kubeconfig: Path | None,
    context: str | None,
    against: str,
    format_name: str,
    drift_only: bool,
    exact: bool,
    allow_exec: bool,
    field_manager: str | None,
    kfp_endpoint: str | None,
    kfp_token_file: Path | None,
    registry_endpoint: str | None,
    registry_token_file: Path | None,
) -> int:
    """Print the plan for specs (kfspec.yaml here); nothing is written.

    Exit status 0: no change; 1: changes; 2 and more: the plan could not be made, or not the whole of it.
    """
    from kfspec.cli.comparing import plans
    from kfspec.diagnostics import has_errors

    mode = execution(allow_exec)
    chosen = choose(specs, environment, mode)
    services = {
        **_access("kfp", kfp_endpoint, kfp_token_file),
        **_access("model-registry", registry_endpoint, registry_token_file),
    }
    made, found = plans(
        chosen, specs, against, kubeconfig, context, field_manager, exact=exact, execution=mode, accesses=services
    )
    if chosen.stop_if_wrong():
        return 2
    if found:
        chosen.say(found)
    if made is None:
        return 2
    if drift_only:
        from kfspec.planning.narrowing import drift

        made = [drift(plan) for plan in made]
    from kfspec.cli.printing import print_plans

    print_plans(made, chosen.texts, format_name)
    seen = [service for plan in made for service in plan.services or ()]
    if any(has_errors(plan.problems) for plan in made) or not all(service.complete for service in seen):
        return 2
    return int(any(plan.pending for plan in made) or any(service.pending for service in seen))


def _access(backend: Backend, endpoint: str | None, token_file: Path | None) -> dict[Backend, Access]:
    """How to ask a service; nothing where nobody wants to. Raises click.UsageError for a token without a service."""
    from kfspec.sync.service import Access

    if endpoint is not None:
        return {backend: Access(endpoint, token_file)}
    if token_file is not None:
        name = {"kfp": "kfp", "model-registry": "registry"}[backend]
        raise click.UsageError(f"--{name}-token-file needs --{name}-endpoint")
    return {}
