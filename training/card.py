"""The model card of a checkpoint, in the hub's format (YAML front matter, then prose)."""

from pathlib import Path
from typing import Any

from model.checkpoint import Manifest, write_text_atomic


def write_card(path: Path, manifest: Manifest) -> None:
    """Write `README.md` of a checkpoint from its manifest: every number in it was measured by the run."""
    metrics, training = manifest.metrics, manifest.training
    labels = ", ".join(manifest.labels.stance)
    rows = "\n".join(
        f"| {label} | {metrics[f'f1_{label}']:.2f} | {training['split']['train'].get(label, 0)} |"
        for label in manifest.labels.stance
    )
    calibration = manifest.calibrations["torch"]
    tone = (
        f"Sentiment ({', '.join(manifest.labels.sentiment)}): macro-F1 {metrics['sentiment_macro_f1']:.2f}."
        if metrics.get("sentiment_macro_f1") is not None
        else "Sentiment is not judged, or no held-out row has one."
    )
    kind = (
        "A difference of low rank to its base (`model.delta`), merged when it is opened: `open_classifier(<folder>)`,\n"
        "or `stance serve --checkpoint <folder>`, with the base at hand (`make accurate`)."
        if training["delta_rank"]
        else "A standard classifier folder: `AutoModelForSequenceClassification.from_pretrained(<folder>)`."
    )
    parts = ", ".join(f"`{one['checkpoint']}`" for one in training.get("average_of", ()))
    start = ""
    if begun := training.get("started_from"):
        corpus = begun["corpus"]
        known = f", which had learned from `{corpus['name']}` ({corpus['rows']} rows)" if corpus else ""
        start = f"Trained on from `{begun['checkpoint']}`{known}.\n\n"
    average = f"The mean of the weights of {parts}, each trained by itself; the settings are those of the first.\n\n"
    text = f"""---
library_name: transformers
pipeline_tag: text-classification
language: en
license: apache-2.0
base_model: {manifest.base["name"]}
tags: [stance-detection]
---
# {manifest.checkpoint_id}

Labels a quoted statement's stance ({labels}) toward {manifest.target}.

{kind} The head's
first {len(manifest.labels.stance)} logits are the stances, the other {len(manifest.labels.sentiment)} the sentiments;
each group has a softmax of its own, with the temperatures below. Texts are normalised first
(`model.encoding.normalise`).

## Figures
On the {metrics["rows"]} {metrics["set"]} rows of `{manifest.corpus["name"]}`: macro-F1 {metrics["macro_f1"]:.3f}
(95 % bootstrap interval {metrics["macro_f1_low"]:.3f} to {metrics["macro_f1_high"]:.3f}), accuracy
{metrics["accuracy"]:.3f}, expected calibration error {metrics["ece"]:.3f}. Answers not marked `uncertain`:
{metrics["coverage"]:.0%} of them all, {metrics["covered_accuracy"]:.0%} right. {tone}
{_caution(metrics)}
| stance | F1 | training rows |
| --- | --- | --- |
{rows}

## Training
{average if parts else ""}{start}\
Base {manifest.base["name"]} (SHA-256 `{manifest.base["sha256"] or "not known"}`), corpus `{manifest.corpus["name"]}`
({manifest.corpus["rows"]} rows, SHA-256 `{manifest.corpus["sha256"]}`), recipe
{training["method"]} ({"the head alone" if training["method"] == "frozen" else f"{training['epochs']} epochs"}), seed
{training["seed"]}, {manifest.trained_at}. All settings and library versions are in `manifest.json`.

Temperatures: stance {calibration.stance_temperature}, sentiment {calibration.sentiment_temperature}; `uncertain` under
a confidence of {calibration.threshold}, chosen for {training["stated_accuracy"]:.0%} accuracy above it.
"""
    write_text_atomic(path, text)


def _caution(metrics: Any) -> str:
    if metrics["set"] == "validation":
        return (
            "These rows also fitted the temperatures and the threshold and judged the epochs, and they come from the "
            "corpus itself: on statements from elsewhere expect less, and measure it with `stance evaluate`.\n"
        )
    if metrics["set"] == "cross-validation":
        return (
            "Out-of-fold figures: each row was judged by a network that had not seen it, trained by the same recipe on "
            "the other folds; the temperatures and the threshold were fitted on these answers.\n"
        )
    return ""
