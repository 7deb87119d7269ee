"""Base of every typed part of the spec: strict, frozen, nothing extra."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(min_length=1, max_length=253)]
"""A name of something in the spec. What a kind allows in an object's name is checked on the object."""

Json = Any
"""An upstream field, passed through: its shape is the catalogue schema's business, not the model's."""


class Model(BaseModel):
    """Strict (no coercion), frozen, unknown fields forbidden."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", defer_build=True)


class Block(Model):
    """Fields that every item of every block takes."""

    labels: dict[str, str] = Field(default_factory=dict, description="Labels added to the item's object.")
    annotations: dict[str, str] = Field(default_factory=dict, description="Annotations added to the item's object.")
    prune: Literal["allow"] | None = Field(
        default=None,
        description="`allow`: a reconcile loop may delete what holds data when it leaves the spec.",
    )


class Namespaced(Block):
    """An item that lives in a profile's namespace."""

    profile: Name | None = Field(default=None, description="The profile whose namespace holds it (`defaults.profile`).")
