"""Text that looks like a credential: a spec is committed to git, so it must not hold one.

Only shapes that are credentials and nothing else; a name like PASSWORD counts where its value is a literal.
"""

from __future__ import annotations

import re
from functools import lru_cache

_SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("an AWS access key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})\b")),
    ("a GitLab token", re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}\b")),
    ("a Slack token", re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}\b")),
    ("a Hugging Face token", re.compile(r"\bhf_[A-Za-z0-9]{30,}\b")),
    ("a Google API key", re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b")),
    ("an OpenAI key", re.compile(r"\bsk-(?:proj-)?[A-Za-z0-9_-]{32,}\b")),
    ("a private key", re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----(?s:.*(?:-----END [A-Z ]*-----)?)")),
    ("a JSON web token", re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\b")),
    ("a password in a URL", re.compile(r"\b[a-z][a-z0-9+.-]*://[^/\s:@$]+:[^/\s:@$]+@")),
)
_NAME = re.compile(r"(?:^|_)(?:PASSWORD|PASSWD|SECRET|SECRET_KEY|TOKEN|API_?KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIALS)$")
_HARMLESS = re.compile(r"|true|false|none|null|/.*|[a-z]+://.*|\$.*|\d{1,5}", re.IGNORECASE)


def looks_like_credential(text: str) -> str | None:
    """What the text looks like (`a GitHub token`), None for harmless text."""
    found = find_credential(text)
    return found[0] if found is not None else None


def find_credential(text: str) -> tuple[str, str] | None:
    """The same, and the part of the text that looks so."""
    if len(text) < 16:
        return None
    matches = ((what, shape.search(text)) for what, shape in _SHAPES)
    return next(((what, match.group()) for what, match in matches if match is not None), None)


@lru_cache(maxsize=4096)
def _names_one(name: str) -> bool:
    return _NAME.search(name.upper()) is not None


def env_credential(name: str, value: str) -> str | None:
    """The same for an environment variable, whose name may say it."""
    found = looks_like_credential(value)
    if found is None and _names_one(name) and not _HARMLESS.fullmatch(value):
        return "a credential, by the variable's name"
    return found
