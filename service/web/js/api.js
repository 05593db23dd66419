// Talks to the service: JSON in, JSON or a file out, errors as one sentence. Asks for an API key where one is wanted.
import { dialog, h } from "./dom.js";

const KEY = "stance-api-key";
let asking = null;

export class ApiError extends Error {
  constructor(status, code, detail) {
    super(detail);
    Object.assign(this, { status, code });
  }
}

async function askForKey(wrong, admin) {
  asking ??= dialog(admin ? "Retraining wants an administrator’s key" : "This service wants an API key", (close) => {
    const field = h("input", { type: "password", id: "key-field", autocomplete: "off", required: true, spellcheck: "false" });
    return h("form", { onsubmit: (event) => { event.preventDefault(); close(field.value.trim()); } },
      h("p", {}, wrong ? "The key was not accepted. Check it, or ask whoever runs the service." : "Whoever runs the service can give you one."),
      h("label", { for: "key-field" }, "API key"), field,
      h("p", { class: "hint" }, "Kept for this tab alone, and forgotten when it is closed."),
      h("div", { class: "actions" }, h("button", { class: "primary" }, "Use this key"),
        h("button", { type: "button", onclick: () => close(null) }, "Cancel")));
  }).finally(() => { asking = null; });
  return asking;
}

const pause = (seconds, signal) => new Promise((resolve, reject) => {
  const timer = setTimeout(resolve, seconds * 1000);
  signal?.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
});

/**
 * @param {string} path
 * @param {{method?: string, json?: unknown, body?: BodyInit, type?: string, signal?: AbortSignal, patient?: boolean, file?: boolean, admin?: boolean}} options
 *   patient: wait and try again while the service is busy or starting; file: return {blob, name}; admin: needs an administrator's key.
 */
export async function api(path, { method, json, body, type, signal, patient = false, file = false, admin = false } = {}) {
  for (let attempt = 0; ; attempt += 1) {
    const key = sessionStorage.getItem(KEY);
    const headers = {};
    if (json !== undefined) { headers["content-type"] = "application/json"; body = JSON.stringify(json); }
    if (type) headers["content-type"] = type;
    if (key) headers.authorization = `Bearer ${key}`;
    let response;
    try {
      response = await fetch(path, { method: method ?? (body === undefined ? "GET" : "POST"), headers, body, signal, credentials: "omit" });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      if (patient && attempt < 5) { await pause(1 + attempt, signal); continue; }
      throw new ApiError(0, "unreachable", "The service cannot be reached. Is it running?");
    }
    if (response.ok) {
      if (file) {
        const name = /filename="([^"]+)"/.exec(response.headers.get("content-disposition") ?? "")?.[1] ?? "download";
        return { blob: await response.blob(), name };
      }
      return response.status === 204 ? null : response.json();
    }
    if (response.status === 401) {
      const given = await askForKey(Boolean(key) && (!admin || attempt > 0), admin);
      if (given) { sessionStorage.setItem(KEY, given); continue; }
    }
    if (patient && (response.status === 429 || response.status === 503) && attempt < 40) {
      await pause(Math.min(10, Number(response.headers.get("retry-after")) || 1), signal);
      continue;
    }
    const problem = await response.json().catch(() => ({}));
    throw new ApiError(response.status, problem.code ?? "error", problem.detail ?? `The service answered ${response.status}.`);
  }
}

export function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,?/, ""));
    reader.onerror = () => reject(new ApiError(0, "unreadable", `${file.name} cannot be read from disk.`));
    reader.readAsDataURL(file);
  });
}

/** Run jobs, a few at a time, in order of their start. */
export async function inParallel(jobs, width) {
  let next = 0;
  const worker = async () => { while (next < jobs.length) await jobs[next++](); };
  await Promise.all(Array.from({ length: Math.min(width, jobs.length) }, worker));
}
