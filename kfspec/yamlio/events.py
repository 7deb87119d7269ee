"""One stream's documents over libyaml's events: everything that YAML can say, and every mistake in it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from kfspec.codes import finding_at
from kfspec.diagnostics import Diagnostic, Note, Pos
from kfspec.document import Document
from kfspec.yamlio import scalars
from kfspec.yamlio.marks import Node, Range, written
from kfspec.yamlio.scalars import Dialect

MAX_DEPTH = 100
MAX_NODES = 1_000_000
"""Values of one document after its aliases are expanded: an alias bomb reaches it at once, nothing honest does."""

_Parser: Any = yaml.cyaml.CParser if yaml.__with_libyaml__ else yaml.Loader  # type: ignore[attr-defined]
_STANDARD = "tag:yaml.org,2002:"


class _Stream(io.BytesIO):
    """A source with a name, which libyaml writes into every mark."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text.encode())
        self.name = name


class _Frame:
    """A collection under construction. `keys` is None for a list; `merges` holds what merge keys name."""

    __slots__ = ("anchor", "children", "expanded", "key", "key_marks", "keys", "merges", "node", "value")

    key: str | None
    key_marks: Range | None
    merges: list[tuple[dict[str, Any], Node]] | None

    def __init__(self, value: Any, children: Any, keys: Any, node: Node, anchor: str | None) -> None:
        self.value = value
        self.children = children
        self.keys = keys
        self.node = node
        self.anchor = anchor
        self.key = self.key_marks = self.merges = None
        self.expanded = 1


class _Anchor(NamedTuple):
    value: Any
    node: Node
    size: int


class Builder:
    """One stream's events, turned into documents. Collects findings instead of stopping where it can go on."""

    def __init__(self, file: str, text: str, dialect: Dialect, line: int = 1, column: int = 1) -> None:
        """`line` and `column` say where the text begins; text that begins inside a line has one line only."""
        self.file = file
        self.text = text
        self.line = line
        self.column = column
        self.end = (0, 0)
        """Where the last value ended, in libyaml's count."""
        self.kubectl = dialect == "kubectl"
        self.resolve = scalars.kubectl if self.kubectl else scalars.core
        self.found: list[Diagnostic] = []
        self.anchors: dict[str, _Anchor] = {}
        self.open_anchors: set[str] = set()

    def documents(self) -> Iterator[Document]:
        parser = _Parser(_Stream(self.text, self.file))
        texts = {self.file: self.text}
        try:
            while not parser.check_event(yaml.StreamEndEvent):
                event = parser.get_event()
                if isinstance(event, yaml.DocumentStartEvent):
                    self.anchors.clear()
                    built = self._document(parser)
                    if built is not None:
                        yield Document(built[0], built[1], self.file, texts)
        except yaml.YAMLError as error:
            self.found.append(self._syntax(error))
        finally:
            dispose = getattr(parser, "dispose", None)
            if dispose is not None:
                dispose()

    def _document(self, parser: Any) -> tuple[Any, Node] | None:
        """The next document's value, or None where it is empty or cannot be built."""
        stack: list[_Frame] = []
        get_event = parser.get_event
        resolve = self.resolve
        while True:
            event = get_event()
            kind = type(event)
            if kind is yaml.ScalarEvent:
                plain = event.implicit[0] and event.tag is None
                text: str = event.value
                value: Any
                frame = stack[-1] if stack else None
                if frame is not None and frame.keys is not None and frame.key is None:
                    if plain and event.anchor is None and text != "<<" and self._is_text(text):
                        frame.key = text
                        frame.key_marks = self.range(event)
                    else:
                        self._key(frame, event, plain)
                    continue
                if plain:
                    try:
                        value = resolve(text)
                    except scalars.NotFiniteError:
                        value = self._not_finite(event)
                    if self.kubectl and value.__class__ is not str:
                        self._differs(event, value)
                else:
                    value = text if event.tag is None else self._tagged(event)
                node = Node(self.range(event))
                if event.anchor is not None:
                    self.anchors[event.anchor] = _Anchor(value, node, 1)
                if frame is None:
                    return self._finish(parser, value, node)
                key = frame.key
                if key is not None and key != "<<" and key not in frame.keys:  # the common case of _add, inlined
                    frame.value[key] = value
                    frame.children[key] = node
                    frame.keys[key] = frame.key_marks
                    frame.key = None
                    frame.expanded += 1
                else:
                    self._add(frame, value, node, 1)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                if not self._open(stack, event, kind is yaml.MappingStartEvent):
                    self._skip(parser)
                    return None
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                frame = stack.pop()
                if (
                    event.start_mark.index != event.end_mark.index
                ):  # a bracket; a block collection ends as its last value
                    self.end = (event.end_mark.line, event.end_mark.column)
                line, column = self.end
                frame.node.at = (*frame.node.at[:3], line + self.line, column + self.column)
                if frame.merges:
                    _merge(frame)
                if frame.anchor is not None:
                    self.open_anchors.discard(frame.anchor)
                    self.anchors[frame.anchor] = _Anchor(frame.value, frame.node, frame.expanded)
                if not stack:
                    return self._finish(parser, frame.value, frame.node)
                self._add(stack[-1], frame.value, frame.node, frame.expanded)
                if stack[-1].expanded > MAX_NODES:
                    self._error("KF008", f"the document has more than {MAX_NODES:,} values", event)
                    self._skip(parser)
                    return None
            elif kind is yaml.AliasEvent:
                if not self._alias(stack, event):
                    self._skip(parser)
                    return None

    def _finish(self, parser: Any, value: Any, node: Node) -> tuple[Any, Node] | None:
        parser.get_event()  # the end of the document
        empty = value is None and node.at[1:3] == node.at[3:]
        return None if empty else (value, node)

    def _skip(self, parser: Any) -> None:
        """Pass over the rest of a document that cannot be built."""
        while not isinstance(parser.get_event(), yaml.DocumentEndEvent):
            pass

    # -- collections ------------------------------------------------------------------------------------------

    def _open(self, stack: list[_Frame], event: Any, mapping: bool) -> bool:
        if stack and stack[-1].keys is not None and stack[-1].key is None:
            pos = self._pos(event)
            line = (
                self.text.splitlines()[event.start_mark.line]
                if event.start_mark.line < self.text.count("\n") + 1
                else ""
            )
            template = "{{" in line[max(event.start_mark.column - 1, 0) : event.start_mark.column + 2]
            hint = (
                "templates are not read: use 'vars', or render the file first"
                if template
                else "write the key as plain text"
            )
            self.found.append(finding_at("KF006", "a key must be a string, not a collection", pos, hint))
            return False
        if len(stack) >= MAX_DEPTH:
            self._error("KF007", f"the document is nested more than {MAX_DEPTH} levels deep", event)
            return False
        if event.tag is not None and not self._collection_tag(event, mapping):
            return False
        value: Any
        if mapping:
            value = {}
            children: dict[str, Node] = {}
            keys: dict[str, Range] = {}
            frame = _Frame(value, children, keys, Node(self.range(event), children, keys), event.anchor)
        else:
            value = []
            entries: list[Node] = []
            frame = _Frame(value, entries, None, Node(self.range(event), entries), event.anchor)
        if event.anchor is not None:
            self.open_anchors.add(event.anchor)
            self.anchors.pop(event.anchor, None)
        stack.append(frame)
        return True

    def _collection_tag(self, event: Any, mapping: bool) -> bool:
        standard = _STANDARD + ("map" if mapping else "seq")
        if self.kubectl and event.tag in (standard, "!"):
            return True
        self._refuse_tag(event)
        return True

    def _add(self, frame: _Frame, value: Any, node: Node, size: int) -> None:
        frame.expanded += size
        if frame.keys is None:
            frame.value.append(value)
            frame.children.append(node)
            return
        key, marks = frame.key, frame.key_marks
        assert key is not None
        assert marks is not None
        frame.key = None
        if key == "<<" and frame.key_marks is not None and self._is_merge(frame, marks, value, node):
            return
        if key in frame.keys:
            first = frame.keys[key]
            note = Note("first given here", Pos(*first))
            duplicate = finding_at("KF005", f"the key '{key}' is given twice", Pos(*marks), "keep one of them")
            self.found.append(duplicate._replace(notes=(note,)))
            return
        frame.value[key] = value
        frame.children[key] = node
        frame.keys[key] = marks

    def _is_text(self, text: str) -> bool:
        """Whether a plain key is a string as it stands."""
        try:
            return self.resolve(text).__class__ is str
        except scalars.NotFiniteError:
            return False

    def _key(self, frame: _Frame, event: Any, plain: bool) -> None:
        key = event.value
        if event.tag is not None and not (self.kubectl and event.tag in (_STANDARD + "str", "!")):
            self._refuse_tag(event)
        elif plain and key != "<<":
            try:
                value = self.resolve(key)
            except scalars.NotFiniteError:
                value = key
            if value.__class__ is not str:
                key = self._no_string(event, value)
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchor(key, Node(self.range(event)), 1)
        frame.key = key
        frame.key_marks = self.range(event)

    def _no_string(self, event: Any, value: Any) -> str:
        """A key that YAML reads as something else: kubectl turns it into its JSON text, a spec may not have it."""
        shown = event.value or "null"
        if not self.kubectl:
            self._error("KF006", f"the key {shown} is not a string", event, f'write "{shown}" in quotes')
            return str(event.value)
        text = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        if text != event.value:
            self._warn_reading(event, f'the key "{text}"')
        return text

    def _is_merge(self, frame: _Frame, marks: Range, value: Any, node: Node) -> bool:
        """`<<: *base`, plain: kubectl merges, YAML 1.2 has no such thing."""
        if written(self.text, marks) != "<<":
            return False
        if not self.kubectl:
            hint = "YAML 1.2 has no merge keys; use `defaults`, or write the fields out"
            self.found.append(finding_at("KF010", "the merge key '<<' is not read", Pos(*marks), hint))
            return True
        sources = list(zip(value, node.children, strict=True)) if isinstance(value, list) else [(value, node)]
        for source, source_node in sources:
            if isinstance(source, dict):
                frame.merges = [*(frame.merges or ()), (source, source_node)]
            else:
                self.found.append(finding_at("KF010", "a merge key needs a mapping", Pos(*marks)))
        return True

    def _alias(self, stack: list[_Frame], event: Any) -> bool:
        anchor = self.anchors.get(event.anchor)
        if anchor is None:
            recursive = event.anchor in self.open_anchors
            what = f"the alias '*{event.anchor}' stands inside what it names" if recursive else None
            hint = None if recursive else f'"*{event.anchor}" in quotes, if text is meant'
            self._error("KF009", what or f"the alias '*{event.anchor}' names no anchor", event, hint)
            return False
        if not stack:
            return False
        frame = stack[-1]
        if frame.keys is not None and frame.key is None:
            if not isinstance(anchor.value, str):
                self._error("KF006", "a key must be a string", event)
                return False
            frame.key, frame.key_marks = anchor.value, self.range(event)
            return True
        self.range(event)
        self._add(frame, anchor.value, anchor.node, anchor.size)
        if frame.expanded > MAX_NODES:
            hint = "aliases inside aliases multiply; write the values out"
            self._error(
                "KF008", f"the document has more than {MAX_NODES:,} values once aliases are expanded", event, hint
            )
            return False
        return True

    # -- scalars ----------------------------------------------------------------------------------------------

    def _tagged(self, event: Any) -> Any:
        tag, text = event.tag, event.value
        if self.kubectl and tag in (_STANDARD + "str", "!"):
            return text
        if self.kubectl and tag in (_STANDARD + "int", _STANDARD + "float", _STANDARD + "bool", _STANDARD + "null"):
            value = scalars.kubectl(text)
            return float(value) if tag.endswith("float") and isinstance(value, int) else value
        self._refuse_tag(event)
        return text

    def _refuse_tag(self, event: Any) -> None:
        shown = "!!" + event.tag.removeprefix(_STANDARD) if event.tag.startswith(_STANDARD) else event.tag
        hint = "values have JSON's types only; remove the tag" if shown != "!!str" else "use quotes instead of the tag"
        pos = self._pos(event)
        self.found.append(finding_at("KF011", f"the tag '{shown}' is not read", pos, hint))

    def _not_finite(self, event: Any) -> str:
        self._error("KF012", f"'{event.value}' is no number that JSON has", event, "put it in quotes, if text is meant")
        return str(event.value)

    def _differs(self, event: Any, value: Any) -> None:
        try:
            other = scalars.core(event.value)
        except scalars.NotFiniteError:
            return
        if scalars.same(other, value):
            return
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        self._warn_reading(event, shown)

    def _warn_reading(self, event: Any, shown: str) -> None:
        pos = self._pos(event)
        hint = f'write "{event.value}" in quotes, if the text is meant'
        if shown.isdigit():
            hint = f'write {shown}, which everybody reads, or "{event.value}" in quotes, if the text is meant'
        self.found.append(finding_at("KF013", f"kubectl reads {event.value} as {shown}", pos, hint))

    # -- places -----------------------------------------------------------------------------------------------

    def _error(self, code: str, message: str, event: Any, hint: str | None = None) -> None:
        self.found.append(finding_at(code, message, self._pos(event), hint))

    def range(self, event: Any) -> Range:
        start, end = event.start_mark, event.end_mark
        self.end = last = (end.line, end.column)
        line, column = self.line, self.column
        return self.file, start.line + line, start.column + column, last[0] + line, last[1] + column

    def _pos(self, event: Any) -> Pos:
        return Pos(*self.range(event))

    def _syntax(self, error: Exception) -> Diagnostic:
        """libyaml's complaint in plain words. A tab at the start of a line is the commonest cause, and never named."""
        mark: Any = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
        if mark is None:
            return finding_at("KF004", f"the file is not valid YAML: {problem}", Pos(self.file, 1, 1, 1, 1))
        pos = Pos(self.file, mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2)
        lines = self.text.splitlines() or [""]
        for n in (mark.line, mark.line - 1):
            if 0 <= n < len(lines) and (tab := _tab_indent(lines[n])) is not None:
                where = Pos(self.file, n + 1, tab + 1, n + 1, tab + 2)
                return finding_at("KF004", "a tab is used for indentation", where, "indent with spaces")
        opened: Any = getattr(error, "context_mark", None)
        context = getattr(error, "context", None)
        said = f"{problem}, {context}"
        for words, message, hint in _BEGUN:
            if words in said:
                if opened is not None and (opened.line != mark.line or words.startswith("while")):
                    pos = Pos(self.file, opened.line + 1, opened.column + 1, opened.line + 1, opened.column + 2)
                return finding_at("KF004", message, pos, hint)
        for words, message, hint in _SYNTAX:
            if words in said:
                return finding_at("KF004", message, pos, hint)
        return finding_at("KF004", f"not valid YAML: {problem}" + (f", {context}" if context else ""), pos)


_BEGUN = (
    ("did not find expected ',' or ']'", "a '[' is not closed, or a ',' is missing", "close it with ']'"),
    ("did not find expected ',' or '}'", "a '{' is not closed, or a ',' is missing", "close it with '}'"),
    ("found unexpected end of stream", "a quote is not closed", "close it at the end of the value"),
    ("while scanning an alias", "a '*' begins an alias, and a name must follow", "put the value in quotes"),
    ("while scanning an anchor", "a '&' begins an anchor, and a name must follow", "put the value in quotes"),
    ("while scanning a tag", "a '!' begins a tag", "put the value in quotes"),
)
"""What is told where it begins, rather than where it should have ended lines later: libyaml's words -> ours, and what to do."""

_SYNTAX = (
    ("mapping values are not allowed", "a ':' where no key can stand", "put a value that holds ': ' in quotes"),
    ("did not find expected key", "a key was expected here", "check the indentation of this line and the one before"),
    ("did not find expected '-' indicator", "a '-' was expected here", "check the indentation of this line"),
    ("could not find expected ':'", "a key without ':'", "write 'key: value'"),
    ("found character that cannot start any token", "this character cannot start a value", "put the value in quotes"),
    ("found unexpected document indicator", "'---' or '...' inside a quoted value", "close the quote"),
    ("found incompatible YAML document", "this version of YAML is not read", "remove the %YAML directive"),
    ("found undefined tag handle", "a tag with an undefined handle", "remove the tag"),
    (
        "found unknown escape character",
        "an unknown escape in double quotes",
        "use single quotes, or double the backslash",
    ),
)
"""libyaml's words -> ours, and what to do."""


def _tab_indent(line: str) -> int | None:
    """The column of a tab in the line's indentation."""
    indent = line[: len(line) - len(line.lstrip(" \t"))]
    return indent.index("\t") if "\t" in indent else None


def _merge(frame: _Frame) -> None:
    """Apply merge keys: what the mapping itself says wins, then the first source that has the key."""
    for source, node in frame.merges or ():
        for key, value in source.items():
            if key not in frame.value:
                frame.value[key] = value
                frame.children[key] = node.children[key]
                frame.keys[key] = node.keys[key] if node.keys else node.at
