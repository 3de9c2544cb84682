"""Who says something and why: a word that binds names a person who can be asked about it later, and a reason."""

from __future__ import annotations

import unicodedata

from corpusgate.errors import UserError

#: Who is nobody.
NOBODY = ("admin", "administrator", "anonymous", "corpusgate", "me", "n/a", "nobody", "none", "root", "someone", "team",
          "test", "unknown", "user", "管理员", "匿名", "某人", "本人", "未知", "无", "测试")  # fmt: skip
#: Fewer characters are no reason.
BECAUSE_LEAST = 8
LONGEST = 2000


def named_and_reasoned(by: str, because: str) -> tuple[str, str]:
    """Both, without blanks around them.

    Raises:
        UserError: `--by` names nobody, or `--because` is no reason; either holds what a page could not show.
    """
    by, because = by.strip(), because.strip()
    for name, text in (("--by", by), ("--because", because)):
        if len(text) > LONGEST or any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in text):
            raise UserError(f"{name} holds control or direction characters, or more than {LONGEST:,} characters.")
    if by.casefold() in NOBODY or not any(map(str.isalpha, by)):
        raise UserError(f"--by {by!r} names nobody: write the name of the person who answers for this.")
    if len(because) < BECAUSE_LEAST:
        raise UserError("--because says too little: what was found, and why this follows from it.")
    return by, because
