// Other terms of a campaign: profit by number of contacts, drawn anew from the points in the page.
for (const block of document.querySelectorAll(".what-if")) {
  const points = JSON.parse(block.dataset.points);
  const inputs = [...block.querySelectorAll("input")];
  const words = block.querySelector("output");
  const places = [...block.querySelectorAll(".picture > div")];
  const number = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
  const short = new Intl.NumberFormat("en-GB", { notation: "compact", maximumFractionDigits: 1 });
  const money = (value, form = number) =>
    `${value < 0 ? "\u2212" : ""}${block.dataset.symbol}${form.format(Math.abs(value))}`;
  const element = (name, attributes, text = "") => {
    const made = document.createElementNS(places[0].firstElementChild.namespaceURI, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.textContent = text;
    return made;
  };

  const draw = (width, rows, best) => {
    const [height, left, right, top, bottom] = [230, 62, 16, 14, 44];
    const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, width, height });
    const lowest = Math.min(0, ...rows.map((row) => row.low));
    const highest = Math.max(0, ...rows.map((row) => row.high)) || 1;
    const last = rows[rows.length - 1].contacts || 1;
    const x = (contacts) => left + (contacts / last) * (width - left - right);
    const y = (profit) =>
      top + ((highest - profit) / (highest - lowest || 1)) * (height - top - bottom);
    for (const level of new Set([lowest, 0, highest / 2, highest])) {
      const line = { x1: left, x2: width - right, y1: y(level), y2: y(level) };
      svg.append(element("line", { ...line, class: level ? "stroke-line" : "stroke-muted" }));
      const at = { x: left - 6, y: y(level) + 4, "text-anchor": "end", "font-size": 12 };
      svg.append(element("text", { ...at, class: "fill-muted" }, money(level, short)));
    }
    const path = (end) => rows.map((row) => `${x(row.contacts)} ${y(row[end])}`);
    const band = `M${path("low").join("L")}L${path("high").reverse().join("L")}Z`;
    svg.append(element("path", { d: band, class: "fill-soft", "fill-opacity": 0.45 }));
    const curve = { d: `M${path("profit").join("L")}`, fill: "none", "stroke-width": 1.8 };
    svg.append(element("path", { ...curve, class: "stroke-accent" }));
    svg.append(element("circle", { cx: x(best.contacts), cy: y(best.profit), r: 4, class: "fill-accent" }));
    const foot = { y: height - bottom + 18, "font-size": 12, class: "fill-muted" };
    for (const [share, anchor] of [[0, "start"], [0.5, "middle"], [1, "end"]]) {
      const at = { ...foot, x: x(share * last), "text-anchor": anchor };
      svg.append(element("text", at, number.format(share * last)));
    }
    const title = { ...foot, x: (left + width) / 2, y: height - 8, "text-anchor": "middle" };
    svg.append(element("text", title, "customers contacted"));
    return svg;
  };

  const redraw = () => {
    const [cost, margin] = inputs.map((input) => Number(input.value));
    if (inputs.some((input) => input.value === "" || !input.checkValidity())) return;
    const rows = points.map(([contacts, buyers, low, high]) => {
      const profit = (n) => n * margin - contacts * cost;
      return { contacts, profit: profit(buyers), low: profit(low), high: profit(high) };
    });
    const best = rows.reduce((a, b) => (b.profit > a.profit ? b : a));
    const all = rows[rows.length - 1];
    const of = (row) => `${money(row.profit)} (95% interval ${money(row.low)} to ${money(row.high)})`;
    if (best.profit <= 0) words.textContent = "Contact nobody: no list earns anything.";
    else if (all.profit >= best.low)
      words.textContent = `Contact everybody: ${of(all)}; a shorter list earns no more.`;
    else
      words.textContent = `Contact the ${number.format(best.contacts)} most likely: ${of(best)}; everybody ${money(all.profit)}.`;
    places.forEach((place, at) => place.replaceChildren(draw(at ? 330 : 720, rows, best)));
  };
  block.querySelector("[hidden]").hidden = false;
  for (const input of inputs) input.addEventListener("input", redraw);
}
