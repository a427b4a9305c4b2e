// Shortcuts press what is on the page; text that is typed into an area is sent to the server after a pause.

const FIELDS = "input, textarea, select, [contenteditable=true], [role=slider], [role=combobox], [role=listbox]";
const WAIT = 1200; // ms in which the second key of a shortcut must come

const style = new CSSStyleSheet(); // of the page, which no theme of Streamlit's can say

function deepActive() {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  return element;
}

function target(shortcut) {
  if (shortcut.page) {
    const links = [...document.querySelectorAll("a[data-testid=stTopNavLink]")];
    const path = (link) => new URL(link.href).pathname.split("/").pop(); // "" is the page where one begins
    return links.find((link) => path(link) === shortcut.page) ?? (shortcut.first ? links[0] : null);
  }
  return shortcut.targets.map(widget).find((found) => found && !found.disabled) ?? null;
}

function widget(key) {
  // "name", "name*" for keys that begin so, "name#1" for the second button in it
  const [name, place] = key.split("#");
  const start = CSS.escape(name.replace("*", ""));
  const holder = document.querySelector(name.endsWith("*") ? `[class*="st-key-${start}"]` : `.st-key-${start}`);
  return holder?.querySelectorAll("button, input, textarea")[Number(place ?? 0)];
}

function press(shortcut) {
  const found = target(shortcut);
  if (!found) return false;
  if (found.matches("input, textarea")) { found.focus(); found.select(); } else { found.click(); }
  return true;
}

function overlay(root, shortcuts) {
  const groups = root.querySelector(".groups");
  groups.replaceChildren();
  const headings = new Map();
  for (const each of shortcuts) {
    if (!headings.has(each.heading)) {
      const group = document.createElement("section"), title = document.createElement("h3");
      title.textContent = each.heading;
      group.append(title);
      groups.append(group);
      headings.set(each.heading, group);
    }
    const row = document.createElement("div"), deed = document.createElement("span"), keys = document.createElement("kbd");
    const always = !each.page && each.targets.length === 0;
    row.className = always || target(each) ? "row" : "row absent";
    deed.textContent = each.deed;
    keys.textContent = each.keys;
    row.append(deed, keys);
    headings.get(each.heading).append(row);
  }
}

function sent(area) {
  // what Streamlit takes for "done": the same key that a person would press; in a form it would submit, so not there
  if (area.isConnected && !area.closest("[data-testid=stForm]")) {
    const key = { key: "Enter", code: "Enter", keyCode: 13, ctrlKey: true, bubbles: true, cancelable: true };
    area.dispatchEvent(new KeyboardEvent("keydown", key));
  }
}

export default function (component) {
  const { data, parentElement } = component;
  const dialog = parentElement.querySelector("dialog");
  const stop = new AbortController(), timers = new Map();
  let begun = "", since = 0;
  const toggle = () => {
    if (dialog.open) { dialog.close(); return; }
    overlay(parentElement, data.shortcuts);
    dialog.showModal();
  };
  const on = (where, what, does) => where.addEventListener(what, does, { signal: stop.signal });
  on(parentElement.querySelector(".help"), "click", toggle);
  on(parentElement.querySelector(".close"), "click", () => dialog.close());
  on(document, "keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const active = deepActive();
    if (active?.matches?.(FIELDS)) {
      if (event.key === "Escape") active.blur();
      return;
    }
    if (event.key === "?") { toggle(); event.preventDefault(); return; }
    if (dialog.open || document.querySelector("[role=dialog]:not([aria-hidden=true])")) return;
    if (event.key === "Enter" && active?.matches?.("button, a, summary, [role=button], [role=tab], [role=radio]")) return;
    if (active?.matches?.("canvas, [role=grid], [role=application]") && event.key.length > 1) return;
    const pressed = event.timeStamp - since < WAIT && begun ? `${begun} ${event.key}` : event.key;
    begun = ""; since = event.timeStamp;
    const shortcut = data.shortcuts.find((each) => each.keys === pressed);
    if (shortcut) { if (press(shortcut)) event.preventDefault(); return; }
    if (data.shortcuts.some((each) => each.keys.startsWith(`${pressed} `))) begun = pressed;
  });
  on(document, "input", (event) => {
    const area = event.target;
    if (!area?.matches?.("textarea")) return;
    clearTimeout(timers.get(area));
    timers.set(area, setTimeout(() => { timers.delete(area); sent(area); }, data.pause));
  });
  style.replaceSync(data.style);
  if (!document.adoptedStyleSheets.includes(style)) document.adoptedStyleSheets.push(style);
  const listening = parentElement.querySelector(".help").dataset;
  listening.listening = "yes";
  return () => { stop.abort(); timers.forEach(clearTimeout); delete listening.listening; };
}
