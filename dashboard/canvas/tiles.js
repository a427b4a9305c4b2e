// Numbers in a row; dashboard/canvas/tiles.py says what they are.
export default function (component) {
  const { data, parentElement } = component;
  parentElement.querySelector(".tiles").replaceChildren(...data.tiles.map(tile));
}

function made(tag, kind, text) {
  const element = document.createElement(tag);
  element.className = kind;
  element.textContent = text;
  return element;
}

function tile(given) {
  const found = made("div", "tile", ""), title = made("dt", "", given.title), value = made("dd", "value", given.value);
  if (given.help) {
    const help = made("span", "help", "?");
    help.tabIndex = 0;
    help.setAttribute("role", "note");
    help.ariaLabel = given.help;
    help.dataset.tip = given.help;
    title.append(help);
  }
  value.title = given.value;
  found.append(title, value, made("dd", "beside", given.beside));
  return found;
}
