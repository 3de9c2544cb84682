"""Fine-tuning data in a source: which fields hold turns, prompts and answers. One raw record, several texts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from corpusgate.settings.model import Declared

Speaker = Literal["system", "user", "assistant", "tool"]
#: What a text is in fine-tuning data (`record.role`): `text` everywhere else.
Role = Literal["text", "prompt", "chosen", "rejected"]
#: Record attributes that a chat reader makes itself.
MADE_BY_CHAT: tuple[str, ...] = ("role", "turn", "group_id", "speaker")


class Chat(Declared):
    """Where a raw record has its conversation; each turn becomes a record, all of them one group.

    Either `turns`: a list of objects with `role` and `content`. Or `prompt`, `chosen`, `rejected`: each a text or such
    a list. System, user and tool turns get the role `prompt`; an assistant's turn is an answer that is trained on, so
    `chosen`, or `rejected` behind the point where the rejected conversation parts from the chosen one.
    """

    turns: str | None = Field(None, description="field with the list of turns, e.g. messages or conversations")
    prompt: str | tuple[str, ...] = Field((), description="field or fields with the prompt, in order; empty ones pass")
    chosen: str | None = Field(None, description="field with the answer, or with the whole preferred conversation")
    rejected: str | None = Field(None, description="field with the other answer, or with the other conversation")
    system: str | None = Field(None, description="field with a system prompt of its own; empty ones pass")
    role: str = Field("role", description="name in a turn that says who speaks, e.g. from")
    content: str = Field("content", description="name in a turn that holds its text, e.g. value")
    roles: dict[str, Speaker] = Field(
        default_factory=dict,
        description="the source's word -> system, user, assistant, tool; these stand for themselves",
    )

    @model_validator(mode="after")
    def _one_form(self) -> Chat:
        if (self.turns is None) == (not self.prompts and self.chosen is None):
            raise ValueError("give either turns, or prompt, chosen and rejected")
        if self.turns is not None and self.rejected is not None:
            raise ValueError("turns and rejected do not go together: name the two conversations chosen and rejected")
        if self.rejected is not None and self.chosen is None:
            raise ValueError("rejected without chosen: name the field of the better answer too")
        if len(set(self.fields)) < len(self.fields):
            raise ValueError("two of the fields have the same name")
        if self.role == self.content:
            raise ValueError("role and content have the same name")
        return self

    @property
    def prompts(self) -> tuple[str, ...]:
        """The fields of the prompt, in order."""
        return (self.prompt,) if isinstance(self.prompt, str) else self.prompt

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields of a raw record that hold texts."""
        named = (self.system, self.turns, *self.prompts, self.chosen, self.rejected)
        return tuple(name for name in named if name)
