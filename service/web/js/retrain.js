// Retrain from the corrections: waits for the service to offer it.
import { h } from "./dom.js";

export function retrainPanel() {
  const node = h("section", { class: "retrain", hidden: true });
  return { node, update() {} };
}
