// Which key does what. A key goes to the page only where nobody is typing.

/** The risk code that keys typed so far mean: group digit, then letter. */
export class RiskTyping {
  constructor(known) {
    this.known = known;
    this.group = null;
  }

  /** Takes a key; returns {group}, {risk}, or null where the key is not part of a code. */
  take(key) {
    if (/^[1-5]$/.test(key)) {
      this.group = key;
      return { group: key };
    }
    const group = this.group;
    this.group = null;
    if (group && /^[a-i]$/.test(key)) {
      const risk = `a${group}${key}`;
      return { risk: this.known.has(risk) ? risk : null, typed: `${group}${key}` };
    }
    return null;
  }
}

const SIMPLE = {
  g: "good", b: "bad", n: "next", ArrowRight: "next", p: "prev", ArrowLeft: "prev", s: "skip", u: "undo", f: "findings",
  c: "comment", r: "again", h: "help", "?": "help", t: "text", Enter: "save", Escape: "cancel",
};

/** Calls `act(name)` for keys that mean something; `typing` is a RiskTyping while a bad verdict is being made. */
export function listen(act, isOn, typing) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey && event.key === "Enter") {
      event.preventDefault();
      return act("save");
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return undefined;
    const field = event.target.closest("textarea, input[type=number], select");
    if (field) {
      if (event.key === "Escape") field.blur();
      return undefined;
    }
    if (!isOn() || document.querySelector("dialog[open]")) return undefined;
    const control = event.target.closest("button, summary, a, input");
    if (control && (event.key === " " || (event.key === "Enter" && !control.matches("input[type=checkbox]")))) return undefined;
    const risks = typing();
    const code = risks ? risks.take(event.key) : null;
    if (code) {
      event.preventDefault();
      return act("risk", code);
    }
    const name = SIMPLE[event.key];
    if (!name || event.repeat) return undefined;
    event.preventDefault();
    return act(name);
  });
}
