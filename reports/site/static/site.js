"use strict";
// Every page is whole without this script. First: sorting and searching of tables.
for (const table of document.querySelectorAll("table[data-tools]")) {
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const region = table.parentElement;
  const status = document.createElement("span");
  status.setAttribute("role", "status");
  const input = document.createElement("input");
  input.type = "search";
  input.autocomplete = "off";
  const label = document.createElement("label");
  label.append("Search: ", input);
  const tools = document.createElement("p");
  tools.className = "tools";
  tools.append(label, " ", status);
  region.before(tools);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const content = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => content.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    status.textContent = words.length ? `${shown} of ${rows.length}` : "";
  });
  const heads = Array.from(table.tHead.rows[0].cells);
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const ascending = head.getAttribute("aria-sort") !== "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      const keyed = rows.map((row) => [sortKey(row.cells[column], head), row]);
      keyed.sort(([a], [b]) => compare(a, b, ascending));
      body.append(...keyed.map(([, row]) => row));
    });
  });
}
// A cell without a value sorts last in both directions.
function sortKey(cell, head) {
  if (!cell) return null;
  if (cell.dataset.key) return Number(cell.dataset.key);
  const content = cell.textContent.trim();
  return head.classList.contains("n") || !content ? null : content.toLowerCase();
}
function compare(a, b, ascending) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  const order = typeof a === "number" ? a - b : a.localeCompare(b);
  return ascending ? order : -order;
}
// Pictures of charts, drawn here: a file of each would double the size of the site.
const PRESENTATION = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap",
  "stroke-linejoin", "opacity", "paint-order", "visibility", "text-anchor", "font-family", "font-size",
  "font-weight", "font-style"];
const SCALE = 2;
const SPACE = 16;
const HEAD = 26;
for (const place of document.querySelectorAll(".saved")) {
  const figure = place.closest("figure");
  const stem = figure.id.replace(/^chart-/, "");
  const title = figure.querySelector(".charttitle").textContent;
  if (!place.querySelector("a")) place.append(saveButton("SVG", title, async () => save(svgBlob(figure), `${stem}.svg`)));
  place.append(" ", saveButton("PNG", title, async () => save(await pngBlob(figure), `${stem}.png`)));
}
function saveButton(kind, title, action) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = kind;
  button.setAttribute("aria-label", `${kind} of ${title}`);
  button.addEventListener("click", action);
  return button;
}
function save(blob, name) {
  const link = document.createElement("a");
  link.download = name;
  link.href = URL.createObjectURL(blob);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
// The chart by itself: colours of paper as attributes, whatever the colours of the screen.
function standalone(figure) {
  const original = figure.querySelector("svg.chart");
  const copy = original.cloneNode(true);
  const copies = [copy, ...copy.querySelectorAll("*")];
  const root = document.documentElement;
  root.classList.add("light");
  [original, ...original.querySelectorAll("*")].forEach((element, index) => {
    const style = getComputedStyle(element);
    for (const name of PRESENTATION) copies[index].setAttribute(name, style.getPropertyValue(name));
  });
  root.classList.remove("light");
  for (const element of copies) for (const name of ["tabindex", "class"]) element.removeAttribute(name);
  const { width, height } = original.viewBox.baseVal;
  const all = { width: width + 2 * SPACE, height: height + HEAD + 2 * SPACE };
  const head = document.createElementNS(copy.namespaceURI, "text");
  head.textContent = figure.querySelector(".charttitle").textContent;
  head.setAttribute("y", -12);
  head.setAttribute("font-weight", 600);
  const length = 6.6 * head.textContent.length;
  if (length > width) head.setAttribute("textLength", width);
  if (length > width) head.setAttribute("lengthAdjust", "spacingAndGlyphs");
  const ground = document.createElementNS(copy.namespaceURI, "rect");
  const box = { x: -SPACE, y: -SPACE - HEAD, ...all };
  for (const [name, value] of Object.entries({ ...box, fill: "white" })) ground.setAttribute(name, value);
  copy.prepend(ground, head);
  copy.setAttribute("xmlns", copy.namespaceURI);
  copy.setAttribute("viewBox", `${box.x} ${box.y} ${box.width} ${box.height}`);
  copy.setAttribute("width", all.width * SCALE);
  copy.setAttribute("height", all.height * SCALE);
  return copy;
}
function svgBlob(figure) {
  const xml = new XMLSerializer().serializeToString(standalone(figure));
  return new Blob([xml], { type: "image/svg+xml" });
}
async function pngBlob(figure) {
  const drawing = standalone(figure);
  const image = new Image();
  const xml = new XMLSerializer().serializeToString(drawing);
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(xml)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = Number(drawing.getAttribute("width"));
  canvas.height = Number(drawing.getAttribute("height"));
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}
