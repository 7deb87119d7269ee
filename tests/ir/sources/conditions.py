"""Branches, what comes out of one of them, nested conditions."""

# ruff: noqa: E712, SIM117  (the SDK wants it so)

from kfp import dsl


@dsl.component(base_image="python:3.11")
def flip(sides: int) -> str:
    return "heads"


@dsl.component(base_image="python:3.11")
def say(text: str) -> str:
    return text


@dsl.component(base_image="python:3.11")
def score() -> float:
    return 0.5


@dsl.pipeline(name="conditions")
def pipeline(sides: int = 2, threshold: float = 0.9, verbose: bool = True):
    coin = flip(sides=sides)
    with dsl.If(coin.output == "heads"):
        won = say(text="won")
    with dsl.Elif(coin.output == "edge"):
        odd = say(text="odd")
    with dsl.Else():
        lost = say(text=coin.output)
    say(text=dsl.OneOf(won.output, odd.output, lost.output))
    points = score()
    with dsl.If(points.output > threshold, name="good"):
        with dsl.If(verbose == True):
            say(text="good")
