"""Parameters of every type, with and without defaults."""

# ruff: noqa: B006, UP045  (the SDK wants it so)

from typing import Optional

from kfp import dsl


@dsl.component(base_image="python:3.11")
def describe(
    text: str,
    count: int,
    rate: float,
    flag: bool,
    names: list,
    options: dict,
    note: str = "none",
    limit: Optional[int] = None,
) -> str:
    return f"{text} {count} {rate} {flag} {names} {options} {note} {limit}"


@dsl.pipeline(name="parameters", description="Every type.")
def pipeline(
    text: str,
    count: int,
    rate: float,
    flag: bool,
    names: list,
    options: dict,
    greeting: str = "hello",
    epochs: int = 10,
    lr: float = 0.5,
    debug: bool = False,
    layers: list = [64, 32],
    extra: dict = {"seed": 1},
    limit: Optional[int] = None,
) -> str:
    """Describe everything twice.

    Args:
        count: How many.
        lr: The learning rate.
    """
    first = describe(text=text, count=count, rate=rate, flag=flag, names=names, options=options)
    second = describe(
        text=first.output, count=epochs, rate=lr, flag=debug, names=layers, options=extra, note=greeting, limit=limit
    )
    return second.output
