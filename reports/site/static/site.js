"use strict";
// Sorting and searching of tables. Every page is whole without this script.
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
