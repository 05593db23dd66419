// Builds elements. Text only ever becomes a text node: nothing in this page parses HTML.

export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") node.className = value;
    else if (name === "dataset") Object.assign(node.dataset, value);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node && typeof value !== "string" && name !== "list") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function svg(tag, props = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(props)) node.setAttribute(name, String(value));
  node.append(...children.filter(Boolean));
  return node;
}

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

export const percent = (p) => `${Math.round(p * 100)}\u202f%`;
export const plural = (n, one, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

/** A bar whose width is a share of 1; the figure beside it tells the same to those who do not see it. */
export function bar(share, extra = "") {
  const fill = h("span", { class: "bar-fill" });
  fill.style.setProperty("--share", String(Math.max(0, Math.min(1, share))));
  return h("span", { class: `bar ${extra}`, "aria-hidden": "true" }, fill);
}

let toastTimer = 0;
export function toast(message, action = null) {
  const box = $("#toast");
  clearTimeout(toastTimer);
  box.replaceChildren(
    h("p", {}, message, action && h("button", { type: "button", onclick: () => { box.replaceChildren(); action.run(); } }, action.label)),
  );
  toastTimer = setTimeout(() => box.replaceChildren(), 7000);
}

/** A modal dialog; resolves with what `close(value)` was given, or null when it was dismissed. */
export function dialog(title, build) {
  return new Promise((resolve) => {
    const before = document.activeElement;
    let answer = null;
    const close = (value) => { answer = value; node.close(); };
    const heading = h("h2", { id: "dialog-title" }, title);
    const node = h("dialog", { "aria-labelledby": "dialog-title" }, heading, build(close));
    node.addEventListener("close", () => {
      node.remove();
      if (before?.isConnected) before.focus({ preventScroll: true });
      resolve(answer);
    });
    document.body.append(node);
    node.showModal();
  });
}

export function saveBlob(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** True while the person is writing, so that letters are text and no commands. */
export function typing(target) {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)
    && !/^(checkbox|radio|button|submit)$/.test(target.type));
}
