"""The error tree of the project.

Everything that can go wrong with what a user gave raises a subclass of `StanceError`:

    StanceError
    ├── InputError            a text or a document that cannot be used
    │   ├── EmptyTextError        nothing but white space
    │   ├── TextTooLongError      longer than the limit
    │   └── DocumentError         a file or folder that cannot be read as text
    ├── DataError             a labelled CSV that cannot be trained or evaluated on
    ├── CheckpointError       a checkpoint folder that cannot be served
    │   ├── CheckpointMissingError    no such folder, or a file of it is gone
    │   ├── CheckpointDamagedError    a file differs from what the manifest says
    │   └── LabelMismatchError        label order of config and manifest differ
    ├── BaseError             a base encoder that is not installed, or not the known one
    ├── BackendError          the network failed on a batch
    └── TrainingError         a training run that cannot start or go on

Each class has a `code`: stable, lower case, part of the public contract (it is the `code` of the HTTP problem
document and of `--json` errors). The message is one sentence that says what to do. HTTP status codes are
the business of `service.http_errors` alone.
"""

from typing import ClassVar


class StanceError(Exception):
    """Base of every error that is shown to the user as one sentence."""

    code: ClassVar[str] = "stance_error"


class InputError(StanceError):
    """A text or document that cannot be used; `field` names the field of a request that held it."""

    code = "invalid_input"
    field: str | None = None


class EmptyTextError(InputError):
    """A text of nothing but white space."""

    code = "empty_text"


class TextTooLongError(InputError):
    """A text over the limit."""

    code = "text_too_long"


class DocumentError(InputError):
    """A file or folder that cannot be read as text."""

    code = "unreadable_document"


class DataError(StanceError):
    """A labelled CSV with problems, each named with file, row and column.

    Args:
        problems: one sentence for each problem, in the order of the file.
    """

    code = "invalid_data"

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class CheckpointError(StanceError):
    """A checkpoint folder that cannot be served."""

    code = "checkpoint_unusable"


class CheckpointMissingError(CheckpointError):
    """No such folder, or one of its files is gone."""

    code = "checkpoint_missing"


class CheckpointDamagedError(CheckpointError):
    """A file differs from what the manifest says."""

    code = "checkpoint_damaged"


class LabelMismatchError(CheckpointError):
    """The labels of `config.json` and of the manifest stand in different order."""

    code = "label_mismatch"


class BaseError(StanceError):
    """A base encoder that is not installed, or not the known one."""

    code = "base_unusable"


class BackendError(StanceError):
    """The network failed on a batch."""

    code = "backend_failed"


class TrainingError(StanceError):
    """A training run that cannot start or go on."""

    code = "training_failed"
