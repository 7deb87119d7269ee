"""What every page of a plan has in common: its style and its script, which the page's policy names by their digests."""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --back: #fff; --panel: #f6f8fa; --line: #d8dee4; --text: #1f2328; --dim: #636c76; --link: #0757ba;
  --green: #116329; --green-back: #dafbe1; --red: #a40e26; --red-back: #ffebe9; --amber: #7d4e00; --amber-back: #fff3c4;
  --blue: #0550ae; --blue-back: #ddf4ff; --violet: #6639ba; --violet-back: #f3eaff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #0d1117; --panel: #161b22; --line: #30363d; --text: #e6edf3; --dim: #9198a1; --link: #79b8ff;
    --green: #7ee787; --green-back: #12301c; --red: #ff9b93; --red-back: #3d1618; --amber: #f0c048; --amber-back: #352804;
    --blue: #8cc4ff; --blue-back: #0e2a4b; --violet: #d2a8ff; --violet-back: #2a1a45;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.6rem 1.2rem 4rem; max-width: 76rem; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
code, pre, del, ins, .path, .ref { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: 0.875em; overflow-wrap: anywhere; }
h1 { margin: 0; font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere; }
h1 span { color: var(--dim); font-weight: 400; }
h2 { margin: 1.8rem 0 0.5rem; font-size: 0.95rem; }
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
p { margin: 0.2rem 0; }
.about, .dim { color: var(--dim); }
.summary { margin: 0.8rem 0 0.4rem; font-size: 1.05rem; font-weight: 600; }
.box { margin: 0.6rem 0; padding: 0.5rem 0.8rem; border: 1px solid var(--line); border-left-width: 4px; border-radius: 6px; }
.box.warn { background: var(--amber-back); border-color: var(--amber); }
.box.bad { background: var(--red-back); border-color: var(--red); }
.box.plain { background: var(--panel); }
.first details ol { border: 0; border-top: 1px solid var(--line); border-radius: 0; }
.first ol { margin: 0; padding: 0; list-style: none; border: 1px solid var(--line); border-radius: 6px; overflow: hidden; }
.first li { display: grid; grid-template-columns: 1.6rem minmax(12rem, 22rem) 1fr; gap: 0 0.6rem; padding: 0.45rem 0.7rem;
  border-top: 1px solid var(--line); }
.first li:first-child { border-top: 0; }
.symbol { display: inline-block; width: 1.5rem; border-radius: 4px; text-align: center; font-weight: 700; line-height: 1.5rem;
  height: 1.5rem; background: var(--panel); }
.create { color: var(--green); background: var(--green-back); }
.update { color: var(--amber); background: var(--amber-back); }
.new-run, .adopt { color: var(--blue); background: var(--blue-back); }
.replace { color: var(--violet); background: var(--violet-back); }
.prune, .blocked { color: var(--red); background: var(--red-back); }
.tag { display: inline-block; padding: 0 0.45rem; border-radius: 999px; font-size: 0.8rem; font-weight: 600; white-space: nowrap;
  color: var(--dim); background: var(--panel); }
.tag.warn { color: var(--amber); background: var(--amber-back); }
.tag.bad { color: var(--red); background: var(--red-back); }
.filters { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center;
  margin: 1.4rem -1.2rem 0; padding: 0.6rem 1.2rem; background: var(--back); border-bottom: 1px solid var(--line); }
.filters[hidden], [hidden] { display: none !important; }
.filters input[type=search] { flex: 1 1 12rem; }
.filters input[type=search], .filters select, .filters button { padding: 0.3rem 0.6rem; border: 1px solid var(--line);
  border-radius: 6px; background: var(--panel); color: var(--text); font: inherit; font-size: 0.875rem; }
.filters button { cursor: pointer; }
.filters label { padding: 0.2rem 0.6rem; border-radius: 999px; font-size: 0.85rem; cursor: pointer; user-select: none; }
.filters label:has(:checked)::before { content: "\\2713\\A0"; }
.filters label:not(:has(:checked)) { color: var(--dim); background: var(--panel); text-decoration: line-through; }
.filters label input { position: absolute; opacity: 0; width: 0; }
.filters label:focus-within { outline: 2px solid var(--link); }
main { margin-top: 1rem; }
details { border: 1px solid var(--line); border-radius: 6px; margin: 0.35rem 0; }
details.change { scroll-margin-top: 4rem; content-visibility: auto; contain-intrinsic-size: auto 2.6rem; }
details:target { border-color: var(--link); }
summary { display: flex; flex-wrap: wrap; align-items: center; gap: 0.25rem 0.6rem; padding: 0.4rem 0.7rem; cursor: pointer;
  list-style: none; border-radius: 6px; }
summary::-webkit-details-marker { display: none; }
summary::after { content: "\\203A"; color: var(--dim); font-size: 1.1rem; line-height: 1; transition: transform 0.1s; }
details[open] > summary::after { transform: rotate(90deg); }
summary:hover { background: var(--panel); }
summary .place { margin-left: auto; color: var(--dim); font-size: 0.82rem; text-align: right; overflow-wrap: anywhere; }
.ref b { font-weight: 700; }
.body { padding: 0.3rem 0.8rem 0.7rem 2.8rem; border-top: 1px solid var(--line); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.15rem 0.9rem; margin: 0.4rem 0; }
dt { color: var(--dim); font-size: 0.875rem; }
dt.warn { color: var(--amber); font-weight: 600; }
dt.bad { color: var(--red); font-weight: 600; }
dd { margin: 0; overflow-wrap: anywhere; }
.delta { padding: 0.25rem 0; border-top: 1px dotted var(--line); }
.note { color: var(--amber); font-size: 0.85rem; }
del, ins { padding: 0.05rem 0.3rem; border-radius: 4px; text-decoration: none; white-space: pre-wrap; }
del { color: var(--red); background: var(--red-back); }
ins { color: var(--green); background: var(--green-back); }
pre { margin: 0.3rem 0 0; padding: 0.4rem 0; border-radius: 6px; background: var(--panel); overflow-x: auto;
  overflow-wrap: normal; }
pre span { display: block; min-width: max-content; padding: 0 0.7rem; min-height: 1.5em; }
pre .minus { color: var(--red); background: var(--red-back); }
pre .plus { color: var(--green); background: var(--green-back); }
pre .gap { color: var(--dim); }
ul.refs { columns: 22rem; margin: 0; padding: 0.3rem 0.8rem 0.6rem 1.2rem; font-size: 0.9rem; list-style: none; }
@media (max-width: 44rem) {
  .first li { grid-template-columns: 1.6rem 1fr; }
  .first li > :last-child { grid-column: 2; }
  summary .place { margin-left: 2.1rem; flex-basis: 100%; text-align: left; }
  summary::after { display: none; }
  .body { padding-left: 0.8rem; }
}
@media print { .filters { display: none; } body { max-width: none; } }
"""

SCRIPT = """
"use strict";
const form = document.querySelector(".filters");
const changes = [...document.querySelectorAll("details.change")];
const words = new Map();
const said = (change) => {
  if (!words.has(change)) words.set(change, change.textContent.toLowerCase());
  return words.get(change);
};
const filter = () => {
  const asked = form.elements.text.value.toLowerCase().split(/\\s+/).filter(Boolean);
  const kind = form.elements.kind.value;
  const actions = new Set([...form.querySelectorAll("[name=action]:checked")].map((box) => box.value));
  let shown = 0;
  for (const change of changes) {
    const fits = actions.has(change.dataset.action) && (!kind || change.dataset.kind === kind)
      && asked.every((word) => said(change).includes(word));
    change.hidden = !fits;
    shown += fits;
  }
  for (const stage of document.querySelectorAll("main section")) {
    stage.hidden = !stage.querySelector("details.change:not([hidden])");
  }
  form.elements.shown.value = shown === changes.length ? "" : `${shown} of ${changes.length}`;
};
const aim = () => {
  const change = location.hash && document.getElementById(location.hash.slice(1));
  if (change) change.open = true;
};
form.hidden = false;
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
form.elements.unfold.addEventListener("click", () => {
  const seen = changes.filter((change) => !change.hidden);
  const open = seen.some((change) => !change.open);
  for (const change of seen) change.open = open;
});
form.elements.save.addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([document.getElementById("plan").textContent], { type: "application/json" }));
  link.download = "kfspec-plan.json";
  link.click();
  URL.revokeObjectURL(link.href);
});
window.addEventListener("hashchange", aim);
aim();
filter();
"""
