"""What every page of a graph has in common: its style and its script, which the page's policy names by their digests."""

from __future__ import annotations

from kfspec.views.plan import page as plan

STYLE = (
    plan.STYLE
    + """
:root { --teal: #0b6069; --node: #fff; }
@media (prefers-color-scheme: dark) { :root { --teal: #6fd6d0; --node: #1c2330; } }
body { max-width: none; }
.filters { margin-top: 0.8rem; z-index: 3; }
.filters input[type=search] { flex: 0 1 20rem; }
.filters label:not(:has(:checked)) { text-decoration: none; }
.filters label:has(:checked) { background: var(--blue-back); color: var(--blue); }
.stage { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1rem; margin: 1rem 0; align-items: start; }
.stage:has(aside:not([hidden])) { grid-template-columns: minmax(0, 1fr) 21rem; }
.view { overflow: auto; max-height: calc(100vh - 9rem); min-height: 12rem; border: 1px solid var(--line); border-radius: 6px;
  background: var(--panel); }
.canvas { position: relative; transform-origin: 0 0; }
.canvas svg { position: absolute; inset: 0; pointer-events: none; overflow: visible; }
.canvas path { fill: none; stroke: var(--dim); stroke-width: 1.4; opacity: 0.55; }
.canvas path.part { stroke-dasharray: 5 4; }
.canvas path.lit { stroke: var(--link); stroke-width: 2.2; opacity: 1; }
.canvas path.faint { opacity: 0.1; }
.canvas text { fill: var(--dim); font-size: 11px; text-anchor: middle; paint-order: stroke; stroke: var(--panel);
  stroke-width: 4px; }
.canvas text.faint { opacity: 0; }
.canvas .node { position: absolute; display: block; width: 240px; height: 46px; padding: 4px 10px; overflow: hidden;
  border: 1px solid var(--line); border-left: 5px solid var(--amber); border-radius: 6px; background: var(--node);
  color: var(--text); font: inherit; font-size: 13px; line-height: 18px; text-align: left; cursor: pointer; }
.canvas .node span { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.canvas .node .sub { color: var(--dim); font-size: 11.5px; }
.canvas .node b { font-weight: 650; }
.canvas .node.outside { border-style: dashed; border-left-style: solid; }
.canvas .node.missing { border-color: var(--red); }
.canvas .data { border-left-color: var(--green); }
.canvas .code { border-left-color: var(--dim); }
.canvas .work { border-left-color: var(--teal); }
.canvas .run { border-left-color: var(--violet); }
.canvas .serve { border-left-color: var(--blue); }
.canvas .node:hover, .canvas .node:focus-visible { outline: 2px solid var(--link); }
.canvas .node.chosen { outline: 3px solid var(--link); }
.canvas .node.found { background: var(--amber-back); }
.canvas .node.faint { opacity: 0.25; }
.canvas h3 { position: absolute; margin: 0; color: var(--dim); font-size: 12px; font-weight: 600; }
aside { position: sticky; top: 4.2rem; max-height: calc(100vh - 9rem); overflow: auto; padding: 0.2rem 1rem 0.8rem;
  border: 1px solid var(--line); border-radius: 6px; font-size: 0.9rem; }
aside h2 { margin: 0.7rem 0 0.2rem; font-size: 1.05rem; overflow-wrap: anywhere; }
aside p, .body > p { margin: 0.5rem 0 0; }
aside ul, .body ul { margin: 0.1rem 0 0; padding-left: 1.1rem; }
aside li, .body li { overflow-wrap: anywhere; }
#list > summary { font-weight: 600; }
#list main { margin: 0; padding: 0 0.8rem 0.8rem; }
#list .body { padding-left: 0.8rem; }
@media (max-width: 60rem) {
  .stage:has(aside:not([hidden])) { grid-template-columns: minmax(0, 1fr); }
  aside { position: static; max-height: none; order: -1; }
}
@media print { .stage { display: none; } }
"""
)

SCRIPT = """
"use strict";
const graph = JSON.parse(document.getElementById("graph").textContent);
const { columns, alone, tints } = JSON.parse(document.getElementById("layout").textContent);
const [WIDTH, HEIGHT, ACROSS, DOWN, PASS, EDGE, MANY] = [240, 46, 384, 58, 16, 24, 24];
const $ = (selector) => document.querySelector(selector);
const form = $(".filters"), view = $(".view"), canvas = $(".canvas"), aside = $("aside");
const fields = form.elements;
const number = new Map(graph.nodes.map((node, n) => [node.id, n]));
const edges = graph.edges.map((edge) => ({ ...edge, source: number.get(edge.from), target: number.get(edge.to) }));
const drawn = edges.filter((edge) => edge.relation !== "holds");
const homes = new Map(edges.filter((edge) => edge.relation === "holds").map((edge) => [edge.target, edge.source]));
const entries = graph.nodes.map((_, n) => document.getElementById(`n${n}`));
const names = entries.map((entry) => entry.querySelector("b").textContent);
const kinds = entries.map((entry) => entry.querySelector(".ref").firstChild.textContent.trim());
const tags = entries.map((entry) => [...entry.querySelectorAll("summary .tag")].map((tag) => tag.textContent));
const texts = entries.map((entry) => entry.querySelector("summary").textContent.toLowerCase());
let chosen = -1, scale = 1;

const element = (tag, parent, name, text) => {
  const made = parent.appendChild(document.createElement(tag));
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
};
const nodes = graph.nodes.map((node, n) => {
  const button = document.createElement("button");
  button.type = "button";
  button.className = ["node", tints[n], { external: "outside", shipped: "outside", undeclared: "missing" }[node.standing]]
    .filter(Boolean).join(" ");
  element("b", element("span", button), "", names[n]);
  const home = homes.has(n) ? [names[homes.get(n)]] : [];
  element("span", button, "sub", [kinds[n], ...tags[n], ...home].join(" \\u00b7 "));
  button.title = [names[n], kinds[n], ...home, ...tags[n]].join("\\n");
  button.addEventListener("click", () => go(chosen === n ? -1 : n));
  return button;
});

// What an edge's end reaches in one direction, over the edges that are there.
const reached = (start, list, from, to) => {
  const steps = new Map();
  for (const edge of list) steps.set(edge[from], [...(steps.get(edge[from]) || []), edge[to]]);
  const seen = new Set(start), ahead = [...start];
  while (ahead.length) {
    for (const other of steps.get(ahead.pop()) || []) if (!seen.has(other)) { seen.add(other); ahead.push(other); }
  }
  return seen;
};

// Rows of one column: as near to where they want to be as their order and height allow.
const tall = (row) => (typeof row === "number" ? DOWN : PASS);
const settle = (column, wanted) => {
  const groups = [], offsets = [];
  let offset = 0;
  for (const row of column) {
    offsets.push(offset + tall(row) / 2);
    offset += tall(row);
    let group = { sum: wanted.get(row) - offsets.at(-1), size: 1 };
    while (groups.length && groups.at(-1).sum / groups.at(-1).size > group.sum / group.size) {
      const last = groups.pop();
      group = { sum: last.sum + group.sum, size: last.size + group.size };
    }
    groups.push(group);
  }
  const spots = groups.flatMap((group) => Array(group.size).fill(group.sum / group.size));
  return column.map((row, i) => [row, spots[i] + offsets[i]]);
};

// Where nodes stand, and the way of each line: past a column it keeps to a pass that all lines of its source share.
const placed = (shown, lines) => {
  const rows = columns.map((column) => column.filter((n) => shown.has(n))).filter((column) => column.length);
  const at = new Map(rows.flatMap((column, x) => column.map((n) => [n, x])));
  const tallest = DOWN * rows.reduce((most, column) => Math.max(most, column.length), 0);
  const heights = new Map(rows.flatMap((column) => column.map((n, i) => [n, (i + 0.5) / column.length * tallest])));
  const near = new Map(), links = new Set(), ways = new Map();
  const link = (a, b) => {
    if (links.has(`${a} ${b}`)) return;
    links.add(`${a} ${b}`);
    near.set(a, [...(near.get(a) || []), b]);
    near.set(b, [...(near.get(b) || []), a]);
  };
  for (const edge of lines) {
    if (!at.has(edge.source) || !at.has(edge.target)) continue;
    const [from, to] = [at.get(edge.source), at.get(edge.target)];
    const way = [edge.source];
    for (let x = from + 1; x < to; x += 1) {
      const pass = `${edge.source}:${x}`;
      if (!at.has(pass)) {
        const [a, b] = [heights.get(edge.source), heights.get(edge.target)];
        at.set(pass, x);
        heights.set(pass, a + (b - a) * (x - from) / (to - from));
        rows[x].push(pass);
      }
      link(way.at(-1), pass);
      way.push(pass);
    }
    link(way.at(-1), edge.target);
    ways.set(edge, [...way, edge.target]);
  }
  for (const column of rows) column.sort((a, b) => heights.get(a) - heights.get(b));
  for (let sweep = 0; sweep < 16; sweep += 1) {
    for (const column of sweep % 2 ? [...rows].reverse() : rows) {
      const wanted = new Map(column.map((row) => {
        const others = (near.get(row) || [row]).map((other) => heights.get(other));
        return [row, others.reduce((a, b) => a + b) / others.length];
      }));
      for (const [row, y] of settle(column, wanted)) heights.set(row, y);
    }
  }
  const top = [...heights.values()].reduce((a, b) => Math.min(a, b), Infinity) - HEIGHT / 2;
  const spots = new Map([...at].map(([row, x]) => [row, [EDGE + x * ACROSS, EDGE + heights.get(row) - top]]));
  return { spots, ways };
};

const path = (points) => points.map(([x, y], i) => {
  if (!i) return `M${x + WIDTH},${y}`;
  const before = points[i - 1][0] + WIDTH, bend = Math.max(50, Math.abs(x - before) / 2);
  const pass = i < points.length - 1 ? ` L${x + WIDTH},${y}` : "";
  return `C${before + bend},${points[i - 1][1]} ${x - bend},${y} ${x},${y}${pass}`;
}).join(" ");
const label = (edge) => edge.relation.replaceAll("-", " ")
  + (edge.environments.length < graph.environments.length ? `, only ${edge.environments.join(", ")}` : "");

const draw = () => {
  const asked = fields.text.value.toLowerCase().split(/\\s+/).filter(Boolean);
  const environment = fields.environment.value, block = fields.block.value;
  const profile = fields.profile ? fields.profile.value : "";
  const present = (list) => !environment || list.some((entry) => (entry.name || entry) === environment);
  const there = new Set([...graph.nodes.keys()].filter((n) => present(graph.nodes[n].environments)));
  let lines = drawn.filter((edge) => present(edge.environments) && there.has(edge.source) && there.has(edge.target));
  const fits = (n) => (!block || graph.nodes[n].block === block)
    && (!profile || homes.get(n) === Number(profile))
    && asked.every((word) => texts[n].includes(word));
  const filtered = asked.length || block || profile;
  const found = new Set([...there].filter(fits));
  let shown = new Set(found);
  if (filtered) {
    for (const { source, target } of lines) {
      if (found.has(source)) shown.add(target);
      if (found.has(target)) shown.add(source);
    }
    lines = lines.filter((edge) => found.has(edge.source) || found.has(edge.target));
  }
  const whole = drawn.filter((edge) => present(edge.environments));
  const kin = chosen < 0 ? null : reached([chosen], whole, "source", "target");
  if (kin) for (const n of reached([chosen], whole, "target", "source")) kin.add(n);
  if (kin && fields.only.checked) {
    shown = new Set([...kin].filter((n) => there.has(n)));
    lines = whole.filter((edge) => kin.has(edge.source) && kin.has(edge.target));
  }
  const downstream = kin ? reached([chosen], whole, "source", "target") : new Set();
  const upstream = kin ? reached([chosen], whole, "target", "source") : new Set();
  const lit = (edge) => (downstream.has(edge.source) && downstream.has(edge.target))
    || (upstream.has(edge.source) && upstream.has(edge.target));
  if (kin && fields.only.checked) lines = lines.filter(lit);

  const { spots, ways } = placed(shown, lines);
  const standing = [...spots.values()];
  let bottom = standing.reduce((most, [, y]) => Math.max(most, y + DOWN / 2), 0);
  let right = standing.reduce((most, [x]) => Math.max(most, x + WIDTH), 0);
  const lonely = alone.filter((n) => shown.has(n));
  canvas.replaceChildren();
  if (lonely.length) {
    const across = Math.max(3, Math.floor((right + ACROSS - WIDTH) / (WIDTH + 16)));
    const heading = element("h3", canvas, "", "Feeds nothing, and nothing feeds it");
    heading.style.left = `${EDGE}px`;
    heading.style.top = `${bottom + EDGE}px`;
    lonely.forEach((n, i) => spots.set(n,
      [EDGE + (i % across) * (WIDTH + 16), bottom + EDGE + 26 + HEIGHT / 2 + Math.floor(i / across) * DOWN]));
    bottom += EDGE + 26 + Math.ceil(lonely.length / across) * DOWN;
    right = Math.max(right, EDGE + Math.min(across, lonely.length) * (WIDTH + 16));
  }
  if (!spots.size) {
    const heading = element("h3", canvas, "", "Nothing fits");
    heading.style.left = heading.style.top = `${EDGE}px`;
    bottom = 60;
  }
  const svg = canvas.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "svg"));
  const labelled = lines.filter((edge) => !kin || lit(edge)).length <= MANY;
  const words = [];
  for (const [edge, way] of ways) {
    const points = way.map((row) => spots.get(row));
    const look = !kin ? "" : lit(edge) ? "lit" : "faint";
    const line = svg.appendChild(document.createElementNS(svg.namespaceURI, "path"));
    line.setAttribute("d", path(points));
    line.setAttribute("class", `${look} ${edge.environments.length < graph.environments.length ? "part" : ""}`);
    if (labelled && look !== "faint") words.push([edge, points.at(-2), points.at(-1)]);
  }
  for (const [edge, from, to] of words) {
    const text = svg.appendChild(document.createElementNS(svg.namespaceURI, "text"));
    text.setAttribute("x", (from[0] + WIDTH + to[0]) / 2);
    text.setAttribute("y", (from[1] + to[1]) / 2 + 4);
    text.textContent = label(edge);
  }
  for (const [n, [x, y]] of spots) {
    if (typeof n !== "number") continue;
    const node = canvas.appendChild(nodes[n]);
    node.style.left = `${x}px`;
    node.style.top = `${y - HEIGHT / 2}px`;
    node.classList.toggle("chosen", n === chosen);
    node.classList.toggle("faint", Boolean(kin) && !kin.has(n));
    node.classList.toggle("found", Boolean(asked.length) && found.has(n));
  }
  size = [right + EDGE, bottom + EDGE];
  zoom();
  entries.forEach((entry, n) => { entry.hidden = Boolean(filtered) && !found.has(n) || !there.has(n); });
  for (const section of document.querySelectorAll("main section")) {
    section.hidden = !section.querySelector("details:not([hidden])");
  }
  const count = [...found].filter((n) => spots.has(n) || !fields.only.checked).length;
  fields.shown.value = filtered || environment ? `${count} of ${graph.nodes.length}` : "";
  tell(lines);
};

// The panel beside: the chosen node, and what is next to it.
const tell = () => {
  aside.hidden = chosen < 0;
  if (chosen < 0) return;
  const entry = entries[chosen].cloneNode(true);
  aside.replaceChildren();
  element("h2", aside, "", names[chosen]);
  const about = element("p", aside, "dim", kinds[chosen]);
  if (homes.has(chosen)) about.textContent += ` in ${names[homes.get(chosen)]}`;
  for (const tag of entry.querySelectorAll("summary .tag")) aside.append(tag, " ");
  const place = entry.querySelector(".place");
  if (place) element("p", aside, "dim", place.textContent);
  aside.append(...entry.querySelector(".body").children);
};

let size = [0, 0];
const zoom = () => {
  canvas.style.transform = `scale(${scale})`;
  canvas.style.width = `${size[0] * scale}px`;
  canvas.style.height = `${size[1] * scale}px`;
};

// All that is asked stands in the address, so that it can be passed on: #text=scorer&environment=prod&node=PROJECT/BLOCK.NAME
const KEYS = ["text", "environment", "block"];
const go = (n) => {
  chosen = n;
  save();
  draw();
  if (n >= 0) nodes[n].scrollIntoView({ block: "nearest", inline: "nearest" });
};
const save = () => {
  const asked = new URLSearchParams();
  for (const key of KEYS) if (fields[key].value) asked.set(key, fields[key].value);
  if (fields.profile && fields.profile.value) asked.set("profile", graph.nodes[Number(fields.profile.value)].id);
  if (chosen >= 0) asked.set("node", graph.nodes[chosen].id);
  if (fields.only.checked) asked.set("only", "1");
  history.replaceState(null, "", `#${asked}`);
};
const load = () => {
  const hash = location.hash.slice(1);
  if (/^n\\d+$/.test(hash) && Number(hash.slice(1)) < graph.nodes.length) {
    chosen = Number(hash.slice(1));
  } else {
    const asked = new URLSearchParams(hash);
    for (const key of KEYS) fields[key].value = asked.get(key) || "";
    if (fields.profile) fields.profile.value = number.has(asked.get("profile")) ? number.get(asked.get("profile")) : "";
    fields.only.checked = asked.has("only");
    chosen = number.has(asked.get("node")) ? number.get(asked.get("node")) : -1;
  }
  draw();
  if (chosen >= 0) nodes[chosen].scrollIntoView({ block: "nearest", inline: "nearest" });
};

form.hidden = false;
$(".stage").hidden = false;
$("#list").open = false;
form.addEventListener("input", () => { save(); draw(); });
form.addEventListener("submit", (event) => event.preventDefault());
fields.text.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  const found = [...canvas.querySelectorAll(".found")].map((node) => nodes.indexOf(node));
  const exact = found.find((n) => names[n].toLowerCase() === fields.text.value.trim().toLowerCase());
  if (found.length) go(exact ?? found[0]);
});
fields.smaller.addEventListener("click", () => { scale = Math.max(0.2, scale / 1.25); zoom(); });
fields.larger.addEventListener("click", () => { scale = Math.min(2, scale * 1.25); zoom(); });
fields.all.addEventListener("click", () => { form.reset(); go(-1); });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") go(-1); });
window.addEventListener("hashchange", load);
load();
"""
