"""`dashboard:`, which is one thing and no block: the links and settings of the Central Dashboard."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from kfspec.spec.base import Model, Name


class Link(Model):
    """An entry of the dashboard; its key in the spec is its `text`."""

    link: str | None = Field(default=None, description="Where it leads; `{ns}` stands for the chosen namespace.")
    desc: str | None = Field(default=None, description="What it says below the text (quick links, documentation).")
    icon: str | None = Field(default=None, description="The icon's name (menu, external links).")
    type: Literal["item", "section"] | None = Field(default=None, description="`section`: a menu entry with `items`.")
    iframe: bool | None = Field(default=None, description="Show an external page inside of the dashboard.")
    items: dict[str, Link] | None = Field(default=None, description="The entries of a section.")


class Dashboard(Model):
    """Added to what the release ships, entry by entry; an entry of the same text is changed."""

    own: bool = Field(
        default=False,
        description="Consent: the ConfigMap is one for the whole cluster, and this spec owns all of it from now on.",
    )
    namespace: Name = Field(default="kubeflow", description="Where the dashboard runs.")
    menuLinks: dict[str, Link] = Field(default_factory=dict, description="The menu at the left: text -> entry.")  # noqa: N815
    externalLinks: dict[str, Link] = Field(default_factory=dict, description="Below the menu: text -> entry.")  # noqa: N815
    quickLinks: dict[str, Link] = Field(default_factory=dict, description="On the first page: text -> entry.")  # noqa: N815
    documentationItems: dict[str, Link] = Field(  # noqa: N815
        default_factory=dict, description="On the first page: text -> entry."
    )
    settings: dict[str, Any] = Field(
        default_factory=dict, description="The dashboard's own settings, by upstream's names."
    )
