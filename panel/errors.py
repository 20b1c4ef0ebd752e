"""Every exception of the program, in one tree.

PanelError
├─ ConfigError            before the first model call; says file and field; one line, exit 2
│  └─ DossierError  PersonaError  PromptError  PluginError  StudyError
├─ ModelError             names the model and the attempts
│  ├─ ModelUnavailable    rate limit, timeout, reset, 5xx: retried, then unscored
│  ├─ ModelDeclined       content policy, context too long: this review unscored, the run goes on
│  └─ ModelRejected       bad key, unknown model, bad parameter: the run stops at once
├─ VerdictError           the answer is not a verdict; keeps the text; re-ask, then unscored
├─ BudgetExceeded         the cap would be passed; what is done is kept, exit 3
├─ TimeUp               --until is reached; what is done is kept, exit 3
├─ LeftForLater         not asked in this run: a provider batch has it; exit 3
├─ SourceDown           a feed of launches cannot be fetched, exit 6
├─ RunStopped             SIGINT or SIGTERM: what is done is kept, exit 130 or 143
└─ StoreError             written by a newer program, or the disk is full
   └─ RunsHeld            another process has `runs/` (which, where, since when)

Each class knows the exit code of a run that ends with it. Knows nothing of printing.
"""

from __future__ import annotations


class PanelError(Exception):
    """Anything the program says to its user on purpose: one line, no traceback."""

    exit_code = 1


class ConfigError(PanelError):
    """A mistake in what the user gave: a file, a field, an option."""

    exit_code = 2


class DossierError(ConfigError):
    """A dossier cannot be read. The message names file, line and field."""


class PersonaError(ConfigError):
    """A persona file is wrong. The message names file and field."""


class PromptError(ConfigError):
    """A prompt file is missing, or names a variable nobody gives."""


class PluginError(ConfigError):
    """A short name or `module:Name` leads to no usable class."""


class StudyError(ConfigError):
    """A study plan is wrong."""


class ModelError(PanelError):
    """A model did not give an answer.

    `status` is the HTTP status where there was one; `retry_after` the seconds the server asked us to wait.
    """

    def __init__(self, message: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class ModelUnavailable(ModelError):
    """Rate limit, timeout, reset, 5xx, a body that ends early: worth another try. Exit 6 when the endpoint is gone.

    `refused` says that no connection came about at all, `cut` that an answer came and its body ends early.
    """

    exit_code = 6

    def __init__(
        self, message: str, *, status: int | None = None, retry_after: float | None = None, refused: bool = False,
        cut: bool = False,
    ) -> None:
        super().__init__(message, status=status, retry_after=retry_after)
        self.refused = refused
        self.cut = cut


class ModelDeclined(ModelError):
    """Content policy or context too long: no second try helps; this review is unscored."""


class ModelRejected(ModelError):
    """Bad key, unknown model, bad parameter: every further call would fail alike. `parameter` names the culprit."""

    exit_code = 2

    def __init__(self, message: str, *, status: int | None = None, parameter: str | None = None) -> None:
        super().__init__(message, status=status)
        self.parameter = parameter


class VerdictError(PanelError):
    """The answer is whole and not a verdict. `text` is what the model said; the message is what a re-ask quotes."""

    def __init__(self, message: str, text: str) -> None:
        super().__init__(message)
        self.text = text


class BudgetExceeded(PanelError):
    """The next call could pass the cap. What is done is kept."""

    exit_code = 3


class TimeUp(PanelError):
    """The next tool would not be done by the time the run must end. What is done is kept."""

    exit_code = 3


class LeftForLater(PanelError):
    """An assignment is not asked in this run: a provider batch has it, or only answers already paid for are read."""

    exit_code = 3


class SourceDown(PanelError):
    """A feed of launches cannot be fetched, or is no feed."""

    exit_code = 6


class StoreError(PanelError):
    """The disk of `runs/` is full, or its store was written by a newer program or cannot be read."""

    exit_code = 5


class RunsHeld(StoreError):
    """Another process writes to `runs/`."""


class RunStopped(PanelError):
    """The user or the system asked the run to end. What is done is kept."""

    def __init__(self, message: str, exit_code: int = 130) -> None:
        super().__init__(message)
        self.exit_code = exit_code
