"""What a student learns from within its teacher, beside the teacher's answers: the states of its tokens.

Seven probabilities tell little of a statement; the states of its tokens tell what the teacher makes of each word
(TinyBERT; Jiao et al., 2020). Three are matched: all tokens half-way up and below the last layer, where a classifier
still reads them all, and the first token behind the last layer. Both must cut texts into the same tokens, as the two
packaged encoders do. The teacher runs once, in its int8 form; its states are reduced to principal components and kept
on disk. Linear maps from the student's states to them are learned along, and thrown away in the end.
"""

import random
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from model.calibration import softmax
from model.checkpoint import verify_checkpoint
from model.delta import with_weights
from model.encoding import TextEncoder, plan_batches
from model.errors import TrainingError
from model.probes import PROBES
from training.progress import OnProgress, Progress

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

WIDTHS: Mapping[str, int] = {"upper": 128, "middle": 128, "first": 64}
"""Principal components that are kept of each state."""
SHARES: Mapping[str, float] = {"upper": 1.0, "middle": 0.5, "first": 1.0}
"""How much the distance of each counts."""
MAP_RATE = 1e-3
"""Peak learning rate of the maps."""
SAMPLED = 600
"""Texts from which the components are taken."""
SOLVED_ON = 1600
"""Texts on which the maps start as ridge regressions."""
LEAST_ALIKE = 0.5
"""Share of the texts that teacher and student must cut into as many tokens."""
_BATCH = (32, 1536)
_DONE = "starts.npy"


def depths(layers: int) -> dict[str, int]:
    """Return which layer each state is read behind; 0 is the embeddings."""
    return {"upper": layers - 1, "middle": layers // 2, "first": layers}


@dataclass(frozen=True)
class States:
    """A teacher's states over some texts.

    Args:
        starts: int64 (texts + 1,): where the tokens of each text start.
        upper: float16 (all tokens, components), mean 0, mean square 1; on disk.
        middle: the same of a lower layer.
        first: float32 (texts, components), of the first token.
        answers: float64 (texts, labels): its calibrated probabilities.
    """

    starts: NDArray[np.int64]
    upper: NDArray[np.float16]
    middle: NDArray[np.float16]
    first: NDArray[np.float32]
    answers: NDArray[np.float64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each text, special ones included."""
        return np.diff(self.starts)

    def of(self, name: str, numbers: Sequence[int]) -> torch.Tensor:
        """Return a state of some texts, float32: (their tokens, components), or (texts, components) of `first`."""
        if name == "first":
            return torch.from_numpy(self.first[list(numbers)])
        tokens = getattr(self, name)
        parts = [tokens[self.starts[n] : self.starts[n + 1]] for n in numbers]
        return torch.from_numpy(np.concatenate(parts).astype(np.float32))


def read_states(
    folder: Path, texts: Sequence[str], max_tokens: int, kept: Path, seed: int, on_progress: OnProgress
) -> States:
    """Run a teacher over texts; what `kept` holds already is not computed again.

    Args:
        folder: its checkpoint.
        texts: what it reads.
        max_tokens: longest sequence.
        kept: where the states are kept: 600 bytes a token.
        seed: of the sample that the components come from.
        on_progress: told as it goes.

    Raises:
        CheckpointError: the checkpoint is missing or damaged.
        BackendError: its network cannot be compiled.
    """
    if not (kept / _DONE).is_file():
        _compute(folder, texts, max_tokens, kept, seed, on_progress)
    found = {name: np.load(kept / f"{name}.npy", mmap_mode="r") for name in ("upper", "middle")}
    rest = {name: np.load(kept / f"{name}.npy") for name in ("starts", "first", "answers")}
    return States(**found, **rest)


def _compute(
    folder: Path, texts: Sequence[str], max_tokens: int, kept: Path, seed: int, on_progress: OnProgress
) -> None:
    manifest = verify_checkpoint(folder)
    encoder = TextEncoder.from_file(folder / "tokenizer.json", max_tokens, manifest.pad_id)
    items = [encoder.encode(text) for text in texts]
    kept.mkdir(parents=True, exist_ok=True)
    session, names = _session(with_weights(folder, manifest), encoder)

    def run(numbers: Sequence[int]) -> tuple[Any, dict[str, Any], Any]:
        batch = encoder.collate([items[n] for n in numbers])
        feed = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
        logits, *states = session.run(["logits", *names.values()], feed)
        return logits, dict(zip(names, states, strict=True)), batch.attention_mask == 1

    sample = random.Random(f"states {seed}").sample(range(len(items)), min(SAMPLED, len(items)))
    seen: dict[str, list[Any]] = {name: [] for name in WIDTHS}
    for part in plan_batches([len(items[n]) for n in sample], *_BATCH):
        _, states, mask = run([sample[n] for n in part])
        for name, state in states.items():
            seen[name].append(state[:, 0] if name == "first" else state[mask])
    reduce = {name: _components(np.concatenate(parts), WIDTHS[name]) for name, parts in seen.items()}

    lengths = np.array([len(item) for item in items])
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    tokens = {
        name: np.lib.format.open_memmap(
            kept / f"{name}.npy", "w+", np.float16, (int(starts[-1]), reduce[name][1].shape[1])
        )
        for name in ("upper", "middle")
    }
    first = np.zeros((len(items), reduce["first"][1].shape[1]), np.float32)
    logits = np.zeros((len(items), manifest.labels.size), np.float32)
    done, began = 0, time.monotonic()
    for part in plan_batches(lengths.tolist(), *_BATCH):
        logits[part], states, _ = run(part)
        mean, turn = reduce["first"]
        first[part] = (states["first"][:, 0] - mean) @ turn
        for name, out in tokens.items():
            mean, turn = reduce[name]
            for row, n in enumerate(part):
                out[starts[n] : starts[n + 1]] = (states[name][row, : lengths[n]] - mean) @ turn
        done += len(part)
        rate = done / max(time.monotonic() - began, 1e-6)
        on_progress(Progress("teach", done, len(items), None, 0.0, rate, (len(items) - done) / rate))
    for out in tokens.values():
        out.flush()
    calibration, labels = manifest.calibration("torch"), manifest.labels
    parts = [softmax(logits[:, labels.stance_slice], calibration.stance_temperature)]
    if labels.sentiment:
        parts.append(softmax(logits[:, labels.sentiment_slice], calibration.sentiment_temperature))
    np.save(kept / "first.npy", first)
    np.save(kept / "answers.npy", np.concatenate(parts, axis=1).astype(np.float64))
    np.save(kept / _DONE, starts)  # last: it says that all is there


def _session(weights: Path, encoder: TextEncoder) -> "tuple[InferenceSession, dict[str, str]]":
    """Return the teacher's int8 graph, and the names of the outputs that hold its states."""
    from onnx import helper
    from onnxruntime import InferenceSession

    from model.onnx_export import channel_reach, export_graph, quantise, saturates, write_graph

    with tempfile.TemporaryDirectory(prefix="stance-") as work:
        graph = export_graph(weights, Path(work))
        reach = channel_reach(graph, [encoder.collate([encoder.encode(text)]) for text in PROBES])
        norms = [node.output[0] for node in graph.graph.node if node.op_type == "LayerNormalization"]
        layers = len(norms) // 2  # two in each; the embeddings may have one of their own
        names = {name: norms[-1 - 2 * (layers - depth)] for name, depth in depths(layers).items()}
        known = {output.name for output in graph.graph.output}
        graph.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in {*names.values()} - known)
        quantise(graph, reach, narrow=saturates())
        write_graph(graph, Path(work) / "teacher.onnx")
        return InferenceSession(str(Path(work) / "teacher.onnx"), providers=["CPUExecutionProvider"]), names


def _components(values: NDArray[np.float32], width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean of (n, hidden) values, and a matrix (hidden, width) to components with a mean square of 1."""
    mean = values.mean(axis=0)
    _, sizes, turned = np.linalg.svd(values - mean, full_matrices=False)
    width = min(width, len(sizes))
    scale = np.sqrt((sizes[:width] ** 2).mean() / len(values))
    return mean.astype(np.float32), (turned[:width].T / max(scale, 1e-12)).astype(np.float32)


class Matcher(nn.Module):
    """Linear maps from a student's states to its teacher's, and how far these are from where they should be.

    Args:
        hidden: width of the student's states.
        states: of the teacher.
        usable: bool (texts,): which texts both cut into as many tokens.
    """

    def __init__(self, hidden: int, states: States, usable: NDArray[np.bool_]) -> None:
        super().__init__()
        self._states, self._usable = states, usable
        self.maps = nn.ModuleDict({name: nn.Linear(hidden, getattr(states, name).shape[1]) for name in WIDTHS})

    def forward(
        self, hidden_states: Sequence[torch.Tensor], mask: torch.Tensor, numbers: Sequence[int]
    ) -> torch.Tensor:
        """Return the weighted sum of the mean squared distances, a scalar.

        Args:
            hidden_states: of the student, (batch, tokens, hidden) each, the embeddings first.
            mask: int (batch, tokens), 1 at tokens.
            numbers: of the texts; -1 for one that stands edited in the batch.
        """
        total = hidden_states[-1].new_zeros((), dtype=torch.float32)
        for name, (mine, theirs) in self._pairs(hidden_states, mask, numbers).items():
            total = total + SHARES[name] * (self.maps[name](mine).float() - theirs).square().mean()
        return total

    def _pairs(self, hidden_states: Any, mask: torch.Tensor, numbers: Sequence[int]) -> dict[str, Any]:
        """Return name -> (the student's states, the teacher's); nothing where no text can be compared."""
        rows = [row for row, number in enumerate(numbers) if number >= 0 and self._usable[number]]
        if not rows:
            return {}
        asked = [int(numbers[row]) for row in rows]
        tokens = mask[rows].bool()
        pairs = {}
        for name, depth in depths(len(hidden_states) - 1).items():
            mine = hidden_states[depth][rows]
            theirs = self._states.of(name, asked).to(mine.device)
            pairs[name] = (mine[:, 0] if name == "first" else mine[tokens], theirs)
        return pairs

    @torch.no_grad()
    def solve(self, network: Any, encoder: TextEncoder, texts: Sequence[str], seed: int) -> None:
        """Start each map as a ridge regression on some of the texts."""
        network.eval()
        good = np.flatnonzero(self._usable[: len(texts)]).tolist()
        sample = random.Random(f"maps {seed}").sample(good, min(SOLVED_ON, len(good)))
        items = [encoder.encode(texts[n]) for n in sample]
        found: dict[str, list[tuple[torch.Tensor, torch.Tensor]]] = {name: [] for name in WIDTHS}
        device = next(network.parameters()).device
        for part in plan_batches([len(item) for item in items], *_BATCH):
            batch = encoder.collate([items[n] for n in part])
            ids, mask = (torch.from_numpy(array).to(device) for array in (batch.input_ids, batch.attention_mask))
            states = network(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
            for name, pair in self._pairs(states, mask, [sample[n] for n in part]).items():
                found[name].append(pair)
        for name, pairs in found.items():
            mine = torch.cat([pair[0] for pair in pairs]).double()
            theirs = torch.cat([pair[1] for pair in pairs]).double()
            mean, goal = mine.mean(dim=0), theirs.mean(dim=0)
            spread = mine - mean
            ridge = (1.0 if name == "first" else 0.01) * spread.square().mean() * len(mine)
            square = spread.T @ spread + ridge.clamp(min=1e-9) * torch.eye(len(mean), dtype=mine.dtype, device=device)
            weight = torch.linalg.solve(square, spread.T @ (theirs - goal))
            linear = cast(nn.Linear, self.maps[name])
            linear.weight.copy_(weight.T)
            linear.bias.copy_(goal - mean @ weight)


def attach_matcher(network: Any, encoder: TextEncoder, states: States, texts: Sequence[str], seed: int) -> None:
    """Give a network a part `matcher`, whose maps are then trained, saved and resumed with it.

    Raises:
        TrainingError: teacher and student cut most texts into different tokens.
    """
    usable = np.array([len(encoder.encode(text)) for text in texts]) == states.lengths
    if usable.mean() < LEAST_ALIKE:
        raise TrainingError(
            f"the teacher cuts {1 - usable.mean():.0%} of the statements into other tokens than the base does: its "
            "states cannot be matched"
        )
    matcher = Matcher(network.config.hidden_size, states, usable).to(next(network.parameters()).device)
    matcher.solve(network, encoder, texts, seed)
    network.matcher = matcher
    network.train()
