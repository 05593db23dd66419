"""The seam between the classifier and the library that runs the network.

A backend turns one batch into logits and knows nothing else: no text, no label, no queue.
"""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from model.errors import BackendError


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded token ids.

    Args:
        input_ids: int64 (batch, length).
        attention_mask: int64 (batch, length), 1 where a token is real; padding stands behind the tokens.

    Raises:
        ValueError: the shapes differ, or are not two-dimensional and non-empty.
    """

    input_ids: NDArray[np.int64]
    attention_mask: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.input_ids.ndim != 2 or self.input_ids.shape != self.attention_mask.shape or not self.input_ids.size:
            raise ValueError(
                f"a batch needs two equal (batch, length) arrays, not {self.input_ids.shape} and "
                f"{self.attention_mask.shape}"
            )

    def __len__(self) -> int:
        return int(self.input_ids.shape[0])


@runtime_checkable
class Backend(Protocol):
    """What runs the network.

    A text's logits must not depend on its batch-mates: a calibrated score that changes with the traffic is none.
    """

    name: str
    """Short, for the model card, metrics and logs: `torch-fp32`, ..."""

    def logits(self, batch: Batch) -> NDArray[np.float32]:
        """Return float32 (batch, labels), rows in the order of the batch.

        Raises:
            BackendError: the network failed.
        """
        ...


def check_logits(logits: Any, rows: int, labels: int, name: str) -> NDArray[np.float32]:
    """Refuse numbers that no caller may see: a wrong shape, or values that are not finite.

    Raises:
        BackendError: see above.
    """
    array = np.asarray(logits, dtype=np.float32)
    if array.shape != (rows, labels):
        raise BackendError(f"the backend {name} returned shape {array.shape} instead of {(rows, labels)}")
    if not np.isfinite(array).all():
        raise BackendError(f"the backend {name} returned numbers that are not finite")
    return array
