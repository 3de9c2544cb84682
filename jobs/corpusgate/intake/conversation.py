"""From a raw record of fine-tuning data to its turns, strictly: where a half is missing, the whole is a fault."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from corpusgate.intake.rules import stored_text
from corpusgate.settings.chat import Chat, Role, Speaker

SPEAKERS: frozenset[str] = frozenset(get_args(Speaker))
ROLES: frozenset[str] = frozenset(get_args(Role))
_SHOWN = 40


class Incomplete(Exception):
    """The raw record is no whole conversation: `reason` is a code of `read.REASONS`, `detail` quotes no text."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True, slots=True)
class Said:
    """What one speaker says, in its stored form."""

    speaker: Speaker
    text: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One text of a group. `turn` is its place, from 0, in the conversation that it belongs to: a rejected answer has
    the place of the chosen one."""

    role: Role
    turn: int
    speaker: Speaker
    text: str


def turns_of(row: Mapping[str, Any], chat: Chat) -> list[Turn]:
    """The turns of a raw record: the chosen conversation in order, then what is rejected.

    System, user and tool turns are prompts, an assistant's turns are chosen. Where the rejected conversation parts from
    the chosen one, all that follows in it is rejected, whoever says it; what both begin with stands once.

    Raises:
        Incomplete: a half is missing, a turn has no text, or nobody declared who speaks.
    """
    system = _opt(row, chat.system, "system", chat)
    if chat.turns is not None:
        return _numbered([*system, *_whole(_list(row, chat.turns, chat), chat.turns)])
    prompt = [said for name in chat.prompts for said in _opt(row, name, "user", chat)]
    if chat.prompts and not prompt:
        raise Incomplete("no_prompt", f"no prompt in {_named(chat.prompts)}")
    if chat.chosen is None:
        return _numbered([*system, *prompt])
    chosen = _whole(_continued(prompt, _answer(row, chat.chosen, chat)), chat.chosen)
    if chat.rejected is None:
        return _numbered([*system, *chosen])
    rejected = _whole(_continued(prompt, _answer(row, chat.rejected, chat)), chat.rejected)
    common = next((n for n, (a, b) in enumerate(zip(chosen, rejected, strict=False)) if a != b), None)
    if common is None:
        raise Incomplete("no_answer", f"{chat.chosen!r} and {chat.rejected!r} are the same as far as both go")
    if {chosen[common].speaker, rejected[common].speaker} != {"assistant"}:
        raise Incomplete("prompts_differ", f"{chat.chosen!r} and {chat.rejected!r} part at a turn that is no answer")
    first = len(system) + common
    other = [Turn("rejected", first + n, s.speaker, s.text) for n, s in enumerate(rejected[common:])]
    return [*_numbered([*system, *chosen]), *other]


def content_sha256(turns: Sequence[Turn]) -> str:
    """Hash of a conversation, whatever the format, encoding and key order of the file that it stands in."""
    said = [[t.role, t.turn, t.speaker, t.text] for t in turns]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def names_in_turns(row: Mapping[str, Any], chat: Chat) -> Iterator[str]:
    """`field.name` of each name in a turn that is neither the speaker's nor the text's."""
    for field in chat.fields:
        value = row.get(field)
        for turn in _parsed(value) if field == chat.turns else value if isinstance(value, list) else ():
            if isinstance(turn, Mapping):
                yield from (f"{field}.{name}" for name in turn if name not in (chat.role, chat.content))


def _numbered(said: Sequence[Said]) -> list[Turn]:
    return [Turn("chosen" if s.speaker == "assistant" else "prompt", n, s.speaker, s.text) for n, s in enumerate(said)]


def _whole(said: Sequence[Said], field: str) -> Sequence[Said]:
    """The conversation, if its first answer follows a prompt and its last turn is an answer."""
    if said[0].speaker == "assistant":
        raise Incomplete("no_prompt", f"{field!r} begins with an answer, and no prompt is before it")
    if said[-1].speaker != "assistant":
        raise Incomplete("no_answer", f"{field!r} ends with a prompt, and no answer follows it")
    return said


def _continued(prompt: Sequence[Said], answer: Sequence[Said]) -> Sequence[Said]:
    """The conversation; an answer's field may hold it from the prompt on."""
    return answer if prompt and list(answer[: len(prompt)]) == list(prompt) else [*prompt, *answer]


def _answer(row: Mapping[str, Any], field: str, chat: Chat) -> list[Said]:
    value = row.get(field)
    if isinstance(value, list):
        return _list(row, field, chat)
    if not isinstance(value, str) or not value.strip():
        raise Incomplete("no_answer", f"the field {field!r} is {_kind(value)}")
    return [Said("assistant", _stored(value, field))]


def _opt(row: Mapping[str, Any], field: str | None, speaker: Speaker, chat: Chat) -> list[Said]:
    """A text or list of turns in a field that may be empty."""
    value = row.get(field) if field else None
    if value is None or value == [] or (isinstance(value, str) and not value.strip()):
        return []
    if isinstance(value, list):
        return _list(row, field or "", chat)
    if not isinstance(value, str):
        raise Incomplete("no_turns", f"the field {field!r} is {_kind(value)}, neither a text nor a list of turns")
    return [Said(speaker, _stored(value, field or ""))]


def _list(row: Mapping[str, Any], field: str, chat: Chat) -> list[Said]:
    value = _parsed(row.get(field)) if field == chat.turns else row.get(field)
    if not isinstance(value, list) or not value:
        raise Incomplete("no_turns", f"the field {field!r} is {_kind(row.get(field))}, not a list of turns")
    return [_turn(one, f"turn {n} of {field!r}", chat) for n, one in enumerate(value)]


def _parsed(value: Any) -> Any:
    """A list as it is; one that a cell of a table holds as JSON, read."""
    if not isinstance(value, str):
        return value if isinstance(value, list) else []
    try:
        read = json.loads(value)
    except (ValueError, RecursionError):
        return []
    return read if isinstance(read, list) else []


def _turn(one: Any, where: str, chat: Chat) -> Said:
    if not isinstance(one, Mapping):
        raise Incomplete("no_turns", f"{where} is no object but {type(one).__name__}")
    name = one.get(chat.role)
    speaker = chat.roles.get(name, name) if isinstance(name, str) else None
    if speaker not in SPEAKERS:
        said = ascii(name)[:_SHOWN] if isinstance(name, str) else _kind(name)
        raise Incomplete("unknown_role", f"{where}: {chat.role!r} is {said}, which chat.roles does not name")
    text = one.get(chat.content)
    if not isinstance(text, str) or not text.strip():
        raise Incomplete("no_text", f"{where}: {chat.content!r} is {_kind(text)}")
    return Said(speaker, _stored(text, where))


def _stored(text: str, where: str) -> str:
    found = stored_text(text)
    try:
        found.encode()
    except UnicodeEncodeError:
        raise Incomplete("lone_surrogate", f"{where}: half of a surrogate pair: no character") from None
    if not found.strip():
        raise Incomplete("no_text", f"{where} is blank")
    return found


def _kind(value: Any) -> str:
    if value is None:
        return "missing"
    return ("blank" if isinstance(value, str) else "empty") if not value else type(value).__name__


def _named(fields: Sequence[str]) -> str:
    return " or ".join(map(repr, fields))
