// Lines, bands and points in panels; dashboard/canvas/curves.py says which part of Plotly's description is drawn.
const kept = new WeakMap();

export default function (component) {
  const { data, parentElement } = component;
  const root = parentElement.querySelector(".curves");
  let shown = kept.get(root);
  if (!shown) kept.set(root, (shown = new Curves(root)));
  shown.receive(data);
  return () => shown.watch.disconnect();
}

function drawn(tag, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

function ticks([from, to], most) {
  const raw = (to - from) / most, size = 10 ** Math.floor(Math.log10(raw));
  const step = size * [1, 2, 5, 10].find((each) => each * size >= raw), found = [];
  for (let at = Math.ceil(from / step); at * step <= to; at++) found.push(at * step);
  return found.map((each) => [each, each.toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)))]);
}

class Curves {
  constructor(root) {
    this.root = root;
    this.watch = new ResizeObserver(() => this.paint());
    const picture = root.querySelector(".picture");
    picture.addEventListener("pointermove", (event) => this.point(event));
    picture.addEventListener("pointerleave", () => this.tell(""));
  }

  receive(data) {
    this.data = data;
    this.width = 0;
    this.paint();
    this.watch.observe(this.root);
  }

  paint() {
    const { data, layout, label } = this.data, width = this.root.clientWidth;
    if (!width || width === this.width) return;
    this.width = width;
    this.panels = Object.keys(layout).filter((each) => each.startsWith("xaxis")).map((each) => this.panel(each.slice(5)));
    const svg = drawn("svg", { width, height: layout.height, role: "img", "aria-label": label });
    for (const panel of this.panels) svg.append(...this.axes(panel));
    data.forEach((trace, at) => this.trace(svg, trace, data[at - 1]));
    for (const each of layout.shapes) {
      const panel = this.of(each.xref.split(" ")[0]), y = panel.y(each.y0);
      svg.append(drawn("line", { x1: panel.left, x2: panel.right, y1: y, y2: y, stroke: each.line.color,
        "stroke-width": each.line.width, "stroke-dasharray": "7 5" }));
    }
    for (const each of layout.annotations) svg.append(this.note(each));
    this.root.querySelector(".picture").replaceChildren(svg);
    this.root.querySelector(".legend").replaceChildren(...data.filter((each) => each.name && each.showlegend !== false).map(named));
    this.root.dataset.painted = data.length;
  }

  panel(suffix) {
    const { layout } = this.data, { margin } = layout, across = layout[`xaxis${suffix}`], up = layout[`yaxis${suffix}`];
    const whole = this.width - margin.l - margin.r, top = margin.t, bottom = layout.height - margin.b;
    const left = margin.l + across.domain[0] * whole, right = margin.l + across.domain[1] * whole;
    const scale = ([from, to], begin, end) => (value) => begin + ((value - from) / (to - from)) * (end - begin);
    return { name: `x${suffix}`, across, up, left, right, top, bottom,
      x: scale(across.range, left, right), y: scale(up.range, bottom, top) };
  }

  of(name) { return this.panels.find((each) => each.name === name); }

  axes(panel) {
    const { left, right, top, bottom, across, up, name } = panel, found = [];
    const clip = drawn("clipPath", { id: `clip-${name}` });
    clip.append(drawn("rect", { x: left, y: top, width: right - left, height: bottom - top }));
    found.push(clip);
    for (const [at, text] of ticks(across.range, 6)) {
      found.push(drawn("line", { class: "grid", x1: panel.x(at), x2: panel.x(at), y1: top, y2: bottom }));
      found.push(drawn("text", { x: panel.x(at), y: bottom + 18, "text-anchor": "middle" }, text));
    }
    for (const [at, text] of ticks(up.range, 6)) {
      found.push(drawn("line", { class: "grid", x1: left, x2: right, y1: panel.y(at), y2: panel.y(at) }));
      found.push(drawn("text", { x: left - 8, y: panel.y(at) + 4, "text-anchor": "end" }, text));
    }
    const middle = (top + bottom) / 2, beside = left - 48;
    found.push(drawn("text", { class: "title", x: (left + right) / 2, y: bottom + 44, "text-anchor": "middle" }, across.title.text));
    found.push(drawn("text", { class: "title", x: beside, y: middle, "text-anchor": "middle", transform: `rotate(-90 ${beside} ${middle})` }, up.title.text));
    return found;
  }

  trace(svg, trace, before) {
    const panel = this.of(trace.xaxis), at = (each) => each.x.map((x, i) => `${panel.x(x).toFixed(1)},${panel.y(each.y[i]).toFixed(1)}`);
    const clip = `url(#clip-${panel.name})`;
    if (trace.mode === "markers") { trace.x.forEach((x, i) => svg.append(symbol(trace, panel.x(x), panel.y(trace.y[i]), clip))); return; }
    if (!trace.x.length) return;
    if (trace.fill) svg.append(drawn("polygon", { points: [...at(before), ...at(trace).reverse()].join(" "), fill: trace.fillcolor, "clip-path": clip }));
    else if (trace.line.width) svg.append(drawn("polyline", { points: at(trace).join(" "), fill: "none", stroke: trace.line.color, "stroke-width": trace.line.width, "clip-path": clip }));
  }

  note(given) {
    const panel = this.of(given.xref.split(" ")[0]), { margin } = this.data.layout, { size } = given.font;
    const x = panel ? panel.left + given.x * (panel.right - panel.left) : margin.l + given.x * (this.width - margin.l - margin.r);
    const y = panel ? panel.y(given.y) : margin.t, high = 1.25 * size;
    const lines = given.text.replaceAll("<br>", " <br>").split("<br>"); // who hears the words needs the space between them
    const first = given.yanchor === "middle" ? y - ((lines.length - 1) * high) / 2 + 0.35 * size : y - (given.yshift ?? 0) - 2;
    const anchor = { right: "end", center: "middle", left: "start" }[given.xanchor];
    const found = drawn("text", { "text-anchor": anchor, style: `font-size: ${size}px` });
    lines.forEach((line, at) => found.append(drawn("tspan", { x: x + (given.xshift ?? 0), y: first + at * high }, line)));
    return found;
  }

  point(event) {
    const box = this.root.querySelector("svg").getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    const panel = this.panels.find((each) => x >= each.left && x <= each.right);
    let best = null;
    for (const trace of panel ? this.data.data : []) {
      if (trace.xaxis !== panel.name || trace.hoverinfo === "skip") continue;
      trace.x.forEach((value, i) => {
        const far = Math.hypot(panel.x(value) - x, panel.y(trace.y[i]) - y);
        if (far < 40 && (!best || far < best.far)) best = { far, name: trace.name, x: value, y: trace.y[i] };
      });
    }
    this.tell(best ? `${best.name ? `${best.name}: ` : ""}${best.y.toFixed(3)}% at a workload of ${best.x.toFixed(2)}%` : "");
  }

  tell(text) { this.root.querySelector(".read").textContent = text; }
}

function symbol(trace, x, y, clip) {
  const { marker } = trace, r = marker.size / 2;
  if (marker.symbol === "diamond") {
    return drawn("path", { d: `M${x},${y - r}l${r},${r}l${-r},${r}l${-r},${-r}z`, fill: marker.color, stroke: "currentColor", "stroke-width": 1.5, "clip-path": clip });
  }
  return drawn("circle", { cx: x, cy: y, r: r - 1, fill: "none", stroke: marker.color, "stroke-width": marker.line.width, "clip-path": clip });
}

function named(trace) {
  const entry = document.createElement("span"), sign = drawn("svg", { width: 18, height: 14 });
  if (trace.fill) sign.append(drawn("rect", { width: 18, height: 14, fill: trace.fillcolor }));
  else sign.append(symbol(trace, 9, 7, "none"));
  entry.append(sign, trace.name);
  return entry;
}
