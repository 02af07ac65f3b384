"use strict";
// Tables are plain without this script; with it, their headers sort, their rows filter, and a
// cell that is chosen stands in the command that explains it.
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const headers = [...table.tHead.rows[0].cells];
  // On a phone, where a row is a card, each value says what it is.
  for (const row of rows) {
    for (const cell of row.cells) cell.dataset.label = headers[cell.cellIndex].textContent.trim();
  }

  const keyOf = (row, column) => {
    const cell = row.cells[column];
    const text = cell.dataset.sort ?? cell.textContent.trim();
    const number = Number(text);
    return text !== "" && Number.isFinite(number) ? number : text;
  };
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
    return a.localeCompare(b, "en", { numeric: true });
  };
  const sortBy = (column, direction) => {
    const keyed = rows.map((row) => [keyOf(row, column), row]);
    // What is missing stands last whichever way the rest is sorted.
    const known = keyed.filter(([key]) => key !== "");
    const missing = keyed.filter(([key]) => key === "");
    known.sort(([a], [b]) => direction * compare(a, b));
    body.append(...[...known, ...missing].map(([, row]) => row));
  };

  headers.forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => {
      const was = header.getAttribute("aria-sort");
      // Numbers are most often wanted largest first.
      const first = header.classList.contains("number") ? "descending" : "ascending";
      const other = first === "ascending" ? "descending" : "ascending";
      for (const each of headers) each.removeAttribute("aria-sort");
      const now = was === first ? other : first;
      header.setAttribute("aria-sort", now);
      sortBy(column, now === "ascending" ? 1 : -1);
    });
  });

  if (rows.length > 4 && !("plain" in table.dataset)) {
    const box = document.createElement("div");
    box.className = "filter";
    const label = document.createElement("label");
    const input = document.createElement("input");
    const result = document.createElement("output");
    input.type = "search";
    input.id = `filter-${table.getAttribute("aria-labelledby")}`;
    label.htmlFor = input.id;
    label.textContent = "Filter rows";
    input.addEventListener("input", () => {
      const wanted = input.value.trim().toLocaleLowerCase();
      let n = 0;
      for (const row of rows) {
        row.hidden = !row.textContent.toLocaleLowerCase().includes(wanted);
        if (!row.hidden) n += 1;
      }
      result.textContent = wanted ? `${n} of ${rows.length} rows` : "";
    });
    box.append(label, input, result);
    table.parentElement.before(box);
  }

  const explain = table.closest(".table")?.querySelector(".explain");
  if (explain) {
    const code = explain.querySelector("code");
    body.addEventListener("click", (event) => {
      const cell = event.target.closest("td.number");
      const where = cell?.parentElement.dataset.where;
      if (!where) return;
      const column = table.dataset.columns.split(" ")[cell.cellIndex];
      code.textContent = `${explain.dataset.command} --where ${where} --column ${column}`;
      for (const each of body.querySelectorAll(".chosen")) each.classList.remove("chosen");
      cell.classList.add("chosen");
      explain.open = true;
    });
  }
}

// The catalogue: one table at a time; what is typed leaves the tables that have it in their text.
const finder = document.querySelector("#finder");
if (finder) {
  const entries = [...document.querySelectorAll("[data-entry]")];
  const links = entries.map((entry) => document.querySelector(`.tables a[href="#${entry.id}"]`));
  const result = document.querySelector("#found");
  const form = finder.closest("form");
  document.body.classList.add("one-table");
  form.hidden = false;
  finder.addEventListener("input", () => {
    const wanted = finder.value.trim().toLocaleLowerCase();
    let n = 0;
    for (const [at, entry] of entries.entries()) {
      links[at].hidden = !entry.textContent.toLocaleLowerCase().includes(wanted);
      if (!links[at].hidden) n += 1;
    }
    result.textContent = wanted ? `${n} of ${entries.length} tables` : "";
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    links.find((link) => !link.hidden)?.click();
  });
}
