"""Texts in, predictions out. No disk, no threads: loading and queueing are done elsewhere."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.backend import Backend
from model.calibration import Calibration, softmax
from model.encoding import Encoded, TextEncoder, plan_batches
from model.labels import LabelSpace
from model.records import LabelScores, Prediction


class StanceClassifier:
    """Labels texts with calibrated confidences.

    Safe to share between threads as far as its backend is; it holds no state of its own.

    Args:
        encoder: the checkpoint's tokenizer.
        backend: what runs the network.
        labels: the label groups, in the order of the logits.
        calibration: fitted for this backend.
        checkpoint_id: names the checkpoint in answers and rows.
        max_batch_items: most texts in one forward pass.
        max_batch_tokens: most padded tokens in one forward pass.
    """

    def __init__(
        self,
        encoder: TextEncoder,
        backend: Backend,
        labels: LabelSpace,
        calibration: Calibration,
        checkpoint_id: str,
        *,
        max_batch_items: int = 16,
        max_batch_tokens: int = 512,
    ) -> None:
        self.encoder = encoder
        self.backend = backend
        self.labels = labels
        self.calibration = calibration
        self.checkpoint_id = checkpoint_id
        self.max_batch_items = max_batch_items
        self.max_batch_tokens = max_batch_tokens

    def prepare(self, text: str) -> Encoded:
        """Normalise and tokenise one text: everything that can fail because of the text fails here.

        Raises:
            EmptyTextError: the text holds nothing to read.
            TextTooLongError: the text is over the limit.
        """
        return self.encoder.encode(text)

    def logits(self, items: Sequence[Encoded]) -> NDArray[np.float32]:
        """Run the network over any number of texts.

        Returns:
            float32 (texts, labels), rows in the order of `items`.

        Raises:
            BackendError: the network failed.
        """
        result = np.empty((len(items), self.labels.size), dtype=np.float32)
        for rows in plan_batches([len(item) for item in items], self.max_batch_items, self.max_batch_tokens):
            result[rows] = self.backend.logits(self.encoder.collate([items[row] for row in rows]))
        return result

    def score(self, items: Sequence[Encoded]) -> list[Prediction]:
        """Label tokenised texts, in their order.

        Raises:
            BackendError: the network failed.
        """
        if not items:
            return []
        return self.read(self.logits(items), [item.truncated for item in items])

    def read(self, logits: NDArray[np.float32], truncated: Sequence[bool]) -> list[Prediction]:
        """Turn logits into predictions.

        Args:
            logits: (texts, labels).
            truncated: for each text, whether its end was not seen.
        """
        stance = softmax(logits[:, self.labels.stance_slice], self.calibration.stance_temperature)
        tone = (
            softmax(logits[:, self.labels.sentiment_slice], self.calibration.sentiment_temperature)
            if self.labels.sentiment
            else None
        )
        predictions = []
        for row, cut in enumerate(truncated):
            label = _scores(self.labels.stance, stance[row])
            predictions.append(
                Prediction(
                    stance=label,
                    sentiment=None if tone is None else _scores(self.labels.sentiment, tone[row]),
                    uncertain=label.confidence < self.calibration.threshold,
                    truncated=cut,
                )
            )
        return predictions

    def classify(self, texts: Sequence[str]) -> list[Prediction]:
        """Label texts, in their order.

        Raises:
            EmptyTextError: a text holds nothing to read.
            TextTooLongError: a text is over the limit.
            BackendError: the network failed.
        """
        return self.score([self.prepare(text) for text in texts])


def _scores(labels: Sequence[str], probabilities: NDArray[np.float64]) -> LabelScores:
    best = int(probabilities.argmax())
    return LabelScores(
        labels[best],
        float(probabilities[best]),
        {label: float(p) for label, p in zip(labels, probabilities, strict=True)},
    )
