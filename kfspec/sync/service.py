"""What the engine needs of a service, and how a service fails."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from kfspec.sync.payload import Desired
from kfspec.sync.steps import Step, Steps

TIMEOUT = 30.0
"""Seconds for one request."""
T = TypeVar("T")


class Trouble(StrEnum):
    """What kind of failure it was."""

    PASSING = "passing"
    """429, 5xx, a broken connection: it may pass by itself. Whether the request was done is not known."""
    EXPIRED = "expired"
    """401: the token is read again before the next request."""
    CONFLICT = "conflict"
    """409: somebody was faster, perhaps we ourselves."""
    REFUSED = "refused"
    """It will not pass."""


class ServiceError(Exception):
    """A request failed."""

    def __init__(self, trouble: Trouble, message: str) -> None:
        super().__init__(message)
        self.trouble = trouble


class Service(Protocol):
    """One service, seen by the engine."""

    def plan(self, desired: Desired) -> Steps:
        """Look, and plan. Raises ServiceError."""

    def do(self, step: Step) -> None:
        """One step of the last plan. Raises ServiceError."""

    def close(self) -> None:
        """Let connections go."""


class Access(NamedTuple):
    """Where a service is, and as whom it is asked."""

    endpoint: str
    token_file: Path | None = None

    def token(self) -> str | None:
        """The token as it is now: the kubelet writes a new one before the old one expires."""
        if self.token_file is None:
            return None
        try:
            return self.token_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ServiceError(Trouble.REFUSED, f"the token cannot be read: {error}") from error


class Patience:
    """How long a sync goes on trying, and how it waits in between."""

    def __init__(
        self,
        seconds: float = 240.0,
        first: float = 0.25,
        longest: float = 10.0,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._first, self._longest, self._sleep, self._clock = first, longest, sleep, clock
        self._end = clock() + seconds
        self._attempts = self._refusals = 0
        self._chance = random.Random()  # noqa: S311 - keeps syncs apart, and no secret

    def waits(self, trouble: Trouble) -> bool:
        """Wait before another attempt; False where none is worth while. A token that stays refused is not waited for."""
        self._refusals = self._refusals + 1 if trouble is Trouble.EXPIRED else 0
        if trouble is Trouble.REFUSED or self._refusals > 3:
            return False
        pause = min(self._longest, self._first * 2**self._attempts) * self._chance.uniform(0.5, 1.0)
        if self._clock() + pause > self._end:
            return False
        self._attempts += 1
        self._sleep(pause)
        return True

    def went_well(self) -> None:
        """A request was answered: begin with short waits again."""
        self._attempts = self._refusals = 0

    def patiently(self, ask: Callable[[], T]) -> T:
        """What a read gives, tried again while that is worth while. Raises ServiceError."""
        while True:
            try:
                answer = ask()
            except ServiceError as error:
                if not self.waits(error.trouble):
                    raise
            else:
                self.went_well()
                return answer


def trouble_of(status: int) -> Trouble:
    """What an HTTP status means to whoever asked."""
    if status == 401:
        return Trouble.EXPIRED
    if status == 409:
        return Trouble.CONFLICT
    return Trouble.PASSING if status in (408, 425, 429) or (status >= 500 and status != 501) else Trouble.REFUSED
