"""Every error that corpusgate raises on purpose, sorted by what happens next.

`UserError` and its children are somebody's mistake or a fact about the world: the command line prints one paragraph and
no traceback. `Held` is a verdict, not a fault: a source or a release is kept back and the run goes on or ends red.
Anything else that escapes is a defect of corpusgate.
"""

from __future__ import annotations


class CorpusgateError(Exception):
    """Root of the tree; `exit_code` is what the command line ends with."""

    exit_code = 1


class UserError(CorpusgateError):
    """The caller must change something: the message says what is wrong, where, and what to do."""

    exit_code = 2


class ConfigError(UserError):
    """A file under `conf/` is wrong; the message lists every mistake of the file with its line."""


class NotAvailable(CorpusgateError):
    """A source cannot be had on this machine (no apt, another Debian release): it is held, the run goes on."""


class Mismatch(CorpusgateError):
    """What was fetched is not what was declared (hash, size, quote): the source is held, nothing of it is read."""


class Held(CorpusgateError):
    """A control holds a source or a release back: `control_id` names it; the message has figure, bound, next act."""

    def __init__(self, control_id: str, message: str) -> None:
        super().__init__(message)
        self.control_id = control_id


class DetectorMissing(CorpusgateError):
    """A worker has not the lexicon or model that the run names: screening stops rather than pass unseen text."""


class Unreconciled(CorpusgateError):
    """`rows in = kept + removed + errored` does not hold: nothing after this step may run."""


class StaleCandidate(CorpusgateError):
    """The channel's pointer moved since the candidate was built: rebuild on the new parent."""


class LakeBusy(UserError):
    """Another run holds the lake's lease; the message names it and says how to wait or to clear a dead one."""
