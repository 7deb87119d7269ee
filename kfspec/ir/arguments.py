"""What a run or a schedule may give a pipeline, and what the API server says of what it is given.

KFP 2.5.0 `apiserver/template/v2_template.go`, validatePipelineJobInputs: nothing is converted, null is a value of no type, and
what the pipeline does not declare is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from kfspec.codes import finding
from kfspec.diagnostics import Diagnostic, Diagnostics, Path, Severity, Upstream
from kfspec.ir.checking import canonical
from kfspec.ir.graph import INTEGER, PARAMETERS, STRING, graph
from kfspec.ir.package import Package
from kfspec.ir.shape import server_of
from kfspec.ir.values import fits, type_of, words
from kfspec.wording import describe, did_you_mean

_LITERALS_SINCE = (2, 16)
_EXACT = 1 << 53


class Parameter(NamedTuple):
    """A parameter of a pipeline."""

    type: str
    """`STRING`, `NUMBER_INTEGER`, `NUMBER_DOUBLE`, `BOOLEAN`, `LIST` or `STRUCT`."""
    required: bool
    default: Any = None
    description: str = ""
    literals: tuple[Any, ...] = ()


def inputs(package: Package) -> dict[str, Parameter]:
    """The parameters of a package; where it has another shape than it should, as many as there are."""
    root = graph(canonical(package)[0]).root
    return {
        name: Parameter(
            str(body.get("parameterType", "")),
            not body.get("isOptional") and body.get("defaultValue") is None,
            body.get("defaultValue"),
            str(body.get("description", "")),
            tuple(literals) if isinstance(literals := body.get("literals"), list) else (),
        )
        for name, body in root.inputs(PARAMETERS).items()
        if isinstance(body, dict)
    }


def check_arguments(package: Package, values: Mapping[str, Any], path: Path, server: str) -> Diagnostics:
    """What is wrong with the arguments that stand at `path` of a spec."""
    known = inputs(package)
    found: list[Diagnostic] = []
    for name, value in values.items():
        here = (*path, name)
        parameter = known.get(name)
        if parameter is None:
            hint = did_you_mean(name, known, f"it has {', '.join(known)}" if known else "it has no parameters")
            found.append(finding("KF309", f"the pipeline has no parameter '{name}'", here, hint=hint, at_key=True))
        else:
            found += _check(name, parameter, value, here, server)
    lost = {d.hint for d in found}
    for name, parameter in known.items():
        if parameter.required and name not in values and f"did you mean '{name}'?" not in lost:
            told = f"the pipeline needs parameter '{name}', {words(parameter.type)}"
            found.append(finding("KF309", told, path, hint=parameter.description.strip() or None))
    return tuple(found)


def _check(name: str, parameter: Parameter, value: Any, path: Path, server: str) -> Iterator[Diagnostic]:
    wanted, given = parameter.type, type_of(value)
    if wanted == "TASK_FINAL_STATUS":
        yield finding("KF309", f"parameter '{name}' is a task's final status, which no run can give", path)
    elif value is None:
        told = f"parameter '{name}' must be {words(wanted)}, not null"
        yield finding("KF309", told, path, hint="leave it out for its default" if not parameter.required else None)
    elif wanted == STRING != given or not fits(given, wanted):
        told = f"parameter '{name}' must be {words(wanted)}, not {describe(value)}"
        yield finding("KF309", told, path, hint=_converted(value, wanted))
    elif server_of(server) >= _LITERALS_SINCE and parameter.literals and value not in parameter.literals:
        told = (
            f"parameter '{name}' must be one of {', '.join(map(describe, parameter.literals))}, not {describe(value)}"
        )
        near = did_you_mean(value, (v for v in parameter.literals if isinstance(v, str))) if given == STRING else None
        yield finding("KF309", told, path, hint=near, upstream=Upstream.NEVER_WORKS)
    elif given == INTEGER and abs(value) > _EXACT:
        told = f"parameter '{name}' is {value}, and KFP keeps numbers as doubles: {int(float(value))} arrives"
        hint = "pass it as a string"
        yield finding("KF309", told, path, hint=hint, severity=Severity.WARNING, upstream=Upstream.DROPS)
    elif wanted == INTEGER and given != INTEGER:
        told = f"parameter '{name}' is a whole number, and {value} is passed on as it is"
        yield finding("KF309", told, path, severity=Severity.WARNING, upstream=Upstream.ADVICE)


def _converted(value: Any, wanted: str) -> str | None:
    """How to write what was meant."""
    if wanted == STRING and isinstance(value, bool | int | float):
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return f'KFP converts nothing: write "{text}" in quotes'
    if not isinstance(value, str):
        return None
    number = re.fullmatch(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?", value)
    if (wanted == "BOOLEAN" and value in ("true", "false")) or (
        number and (wanted == "NUMBER_DOUBLE" or (wanted == INTEGER and not number[1]))
    ):
        return f"KFP converts nothing: write {value} without quotes"
    if wanted == "LIST":
        return "write it as a YAML list"
    return "write it as a YAML mapping" if wanted == "STRUCT" else None
