// One item after another: shows it, takes the verdict, goes on. Text reaches the page as text, never as markup.
import { RiskTyping, listen } from "./keys.js";

const $ = (id) => document.getElementById(id);
const { prefix, sample } = document.body.dataset;
const mayWrite = document.body.dataset.mayWrite === "yes";
const api = `${prefix}/api/samples/${sample}`;
const boxes = new Map([...document.querySelectorAll("input[name=risk]")].map((box) => [box.value, box]));
const risks = new RiskTyping(boxes);
const WORDS = { good: ["合格", "good"], bad: ["不合格", "bad"], pass: ["符合", "pass"], fail: ["不符合", "fail"], pending: ["待定", "pending"] };

const state = {
  items: [], // {ordinal, verdict} of everything assigned, in the order of the draw
  at: 0, // index of the item that is shown
  item: null, // its answer from the server
  judged: [], // ordinals judged since the page was opened, for undo
  skipped: new Set(),
  ready: new Map(), // ordinal -> promise of the item, asked for ahead
  bad: false, // whether a bad verdict is being made
  marked: false,
  busy: false,
  failed: null, // what to send again
};

// Time that the person had the item before the eyes: a hidden page does not count.
const clock = {
  spent: 0, since: null,
  start() { this.spent = 0; this.since = document.hidden ? null : performance.now(); },
  pause() { if (this.since !== null) this.spent += performance.now() - this.since; this.since = null; },
  resume() { if (this.since === null) this.since = performance.now(); },
  seconds() { return (this.spent + (this.since === null ? 0 : performance.now() - this.since)) / 1000; },
};
document.addEventListener("visibilitychange", () => (document.hidden ? clock.pause() : clock.resume()));

async function ask(path, body) {
  const given = { headers: { Accept: "application/json", "X-Corpusgate": "review" }, credentials: "same-origin" };
  if (body !== undefined) {
    given.method = "POST";
    given.headers["Content-Type"] = "application/json";
    given.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(`${api}${path}`, given);
  } catch {
    throw new Error("服务器没有应答 · the server does not answer");
  }
  if (answer.status === 401) {
    throw new Error("登录已过期：请在另一标签页登录后重新发送 · your login has run out: log in in another tab, then send again");
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(typeof said.detail === "string" ? said.detail : `${answer.status} ${answer.statusText}`);
  return said;
}

function both(node, [zh, en]) {
  const english = document.createElement("span");
  english.lang = "en";
  english.textContent = en;
  node.replaceChildren(`${zh} `, english);
}

const tell = (zh, en) => both($("said"), [zh, en]);

function show(item) {
  state.item = item;
  state.marked = false;
  both($("which"), [`第 ${item.ordinal} 条`, `Item ${item.ordinal}`]);
  $("origin").textContent = [item.source_id, item.language, item.state === "gone" ? "已删除 gone" : ""].filter(Boolean).join(" · ");
  $("text").replaceChildren(item.text);
  $("text").lang = item.language || "";
  $("text").scrollTop = 0;
  $("comment").value = item.verdict ? item.verdict.comment || "" : "";
  boxes.forEach((box, key) => { box.checked = Boolean(item.verdict) && item.verdict.risks.includes(key); });
  makeBad(false);
  showMine(item.verdict);
  $("findings").setAttribute("aria-pressed", "false");
  $("goto").value = item.ordinal;
  clock.start();
}

function showMine(verdict) {
  const said = verdict ? verdict.verdict : null;
  $("mine").hidden = !said;
  $("mine").className = `verdict ${said || ""}`;
  if (said) both($("mine"), [`${WORDS[said][0]} ${verdict.risks.join(" ")}`.trim(), WORDS[said][1]]);
}

function showProgress() {
  const done = state.items.filter((i) => i.verdict).length;
  $("bar").max = Math.max(state.items.length, 1);
  $("bar").value = done;
  $("count").textContent = `${done} / ${state.items.length}`;
}

function showStanding(standing) {
  if (!standing) return;
  $("standing").hidden = false;
  $("standing").className = `verdict ${standing.verdict}`;
  both($("standing"), WORDS[standing.verdict]);
  $("standing").title = standing.because;
}

const get = (ordinal) => {
  if (!state.ready.has(ordinal)) {
    const asked = ask(`/items/${ordinal}`);
    asked.catch(() => state.ready.delete(ordinal));
    state.ready.set(ordinal, asked);
  }
  return state.ready.get(ordinal);
};

async function goTo(index) {
  if (index < 0 || index >= state.items.length) return;
  state.at = index;
  const wanted = state.items[index].ordinal;
  try {
    const item = await get(wanted);
    if (state.items[state.at].ordinal !== wanted) return; // the person went on meanwhile
    state.ready.delete(wanted); // a verdict that is given now must be seen when one comes back
    show(item);
    const following = open(index + 1);
    if (following !== null && following !== index) get(state.items[following].ordinal).catch(() => {});
  } catch (error) {
    fail(error, () => goTo(index));
  }
}

/** Index of the next item without a verdict from `from` on, round the end; skipped ones last. */
function open(from) {
  const n = state.items.length;
  const turn = Array.from({ length: n }, (_, k) => (from + k) % n).filter((k) => !state.items[k].verdict);
  return turn.find((k) => !state.skipped.has(state.items[k].ordinal)) ?? turn[0] ?? null;
}

/** Asks which items are the person's: where two differed, another one may have become so meanwhile. */
async function refresh() {
  const about = await ask("");
  state.items = about.items.map(([ordinal, verdict]) => ({ ordinal, verdict }));
  showProgress();
  showStanding(about.standing);
}

async function goOn() {
  let following = open(state.at + 1);
  if (following === null) {
    try {
      await refresh();
    } catch (error) {
      fail(error, goOn);
      return;
    }
    following = open(0);
  }
  if (following !== null) {
    await goTo(following);
    return;
  }
  tell("全部完成，谢谢。", "All of your items are done. Thank you.");
  const here = state.items.findIndex((i) => state.item && i.ordinal === state.item.ordinal);
  await goTo(here < 0 ? 0 : here);
}

function makeBad(on) {
  state.bad = on;
  risks.group = null;
  $("why").hidden = !on;
  $("bad").setAttribute("aria-expanded", String(on));
  if (!on) document.querySelectorAll("details.group").forEach((d) => { d.open = false; });
}

function fail(error, again) {
  state.failed = again;
  both($("because"), ["没有成功：", `Not done: ${error.message}`]);
  $("failed").hidden = false;
}

/** Sends, then does what follows. Until the next item is shown no other verdict is taken: it would be the old one's. */
async function send(path, body, then) {
  if (state.busy) return;
  busy(true);
  try {
    const said = await ask(path, body);
    state.failed = null;
    $("failed").hidden = true;
    await then(said);
  } catch (error) {
    fail(error, () => send(path, body, then));
  } finally {
    busy(false);
  }
}

function busy(on) {
  state.busy = on;
  document.body.setAttribute("aria-busy", String(on));
}

function record(verdict) {
  const { item } = state;
  if (!mayWrite || !item || state.busy) return;
  const chosen = verdict === "bad" ? [...boxes.keys()].filter((key) => boxes.get(key).checked) : [];
  const comment = $("comment").value.trim();
  if (verdict === "bad" && !chosen.length && !comment) {
    tell("请选择风险，或写明原因。", "Choose a risk, or say why in a comment.");
    return;
  }
  const body = { verdict, risks: chosen, comment, seconds: clock.seconds(), released_sha256: item.released_sha256 };
  send(`/items/${item.ordinal}`, body, async (said) => {
    state.items.find((i) => i.ordinal === item.ordinal).verdict = verdict;
    state.judged.push(item.ordinal);
    state.skipped.delete(item.ordinal);
    tell(`第 ${item.ordinal} 条已记录：${WORDS[verdict][0]}。`, `Item ${item.ordinal} recorded: ${WORDS[verdict][1]}.`);
    showProgress();
    await goOn();
    closing(said);
  });
}

/** What came of telling the waiting run; a failed attempt can be sent again. */
function closing(said) {
  showStanding(said.standing);
  if (said.closing === "failed") {
    fail(new Error(said.closing_because), () => send("/close", {}, closing));
  } else if (said.closing === "answered" || said.closing === "already") {
    tell("判定已足够，等待中的流程继续运行。", "The verdicts suffice; the run that waited goes on.");
  }
}

function undo() {
  if (!mayWrite || !state.item) return;
  const here = state.items[state.at];
  const ordinal = here.verdict ? here.ordinal : state.judged.at(-1);
  if (ordinal === undefined) {
    tell("没有可撤销的判定。", "There is nothing to undo.");
    return;
  }
  send(`/items/${ordinal}/undo`, {}, async (said) => {
    const index = state.items.findIndex((i) => i.ordinal === ordinal);
    state.items[index].verdict = null;
    state.judged = state.judged.filter((o) => o !== ordinal);
    tell(`第 ${ordinal} 条的判定已撤销。`, `The verdict on item ${ordinal} is withdrawn.`);
    showProgress();
    showStanding(said.standing);
    await goTo(index);
  });
}

async function findings() {
  const { item } = state;
  if (!item) return;
  state.marked = !state.marked;
  $("findings").setAttribute("aria-pressed", String(state.marked));
  if (!state.marked) {
    $("text").replaceChildren(item.text);
    return;
  }
  try {
    const { spans } = await ask(`/items/${item.ordinal}/findings`);
    if (state.item !== item || !state.marked) return;
    const parts = [];
    let end = 0;
    for (const span of spans) {
      if (span.start < end) continue; // two detectors on one place: the first is shown
      const mark = document.createElement("mark");
      mark.dataset.label = span.label;
      mark.textContent = item.text.slice(span.start, span.end);
      parts.push(item.text.slice(end, span.start), mark);
      end = span.end;
    }
    $("text").replaceChildren(...parts, item.text.slice(end));
    tell(`机器标记 ${spans.length} 处。`, `${spans.length} findings of the detectors.`);
    document.querySelector("mark")?.scrollIntoView({ block: "center" });
  } catch (error) {
    fail(error, findings);
  }
}

function typed(code) {
  if (code.group) {
    const group = document.querySelector(`details[data-group="${code.group}"]`);
    document.querySelectorAll("details.group").forEach((d) => { d.open = d === group; });
    group.scrollIntoView({ block: "nearest" });
    tell(`第 ${code.group} 组，再按字母。`, `Group ${code.group}: now the letter.`);
  } else if (code.risk) {
    const box = boxes.get(code.risk);
    box.checked = !box.checked;
    tell(`${code.risk} ${box.checked ? "已选" : "已取消"}。`, `${code.risk} ${box.checked ? "chosen" : "taken back"}. Enter records.`);
  } else {
    tell(`没有 ${code.typed}。`, `There is no ${code.typed}.`);
  }
}

const acts = {
  good: () => record("good"),
  bad: () => { if (mayWrite && state.item && !state.busy) { makeBad(true); tell("请选择风险，按回车记录。", "Choose risks, then Enter."); } },
  save: () => { if (state.bad) record("bad"); },
  cancel: () => makeBad(false),
  next: () => goTo(state.at + 1),
  prev: () => goTo(state.at - 1),
  skip: () => { if (state.item && !state.busy) { state.skipped.add(state.item.ordinal); goOn(); } },
  undo,
  findings,
  comment: () => $("comment").focus(),
  text: () => $("text").focus(),
  again: () => { if (state.failed) { $("failed").hidden = true; state.failed(); } },
  help: () => $("keys").showModal(),
  risk: typed,
};

for (const name of ["good", "bad", "save", "next", "prev", "skip", "undo", "findings", "again", "help"]) {
  $(name).addEventListener("click", () => acts[name]());
}
if (!mayWrite) for (const name of ["good", "bad", "skip", "undo", "comment"]) $(name).disabled = true;
$("close-keys").addEventListener("click", () => $("keys").close());
$("goto").addEventListener("change", () => goTo(state.items.findIndex((i) => i.ordinal === Number($("goto").value))));
listen((name, given) => acts[name](given), () => $("keys-on").checked, () => (state.bad ? risks : null));

async function start() {
  try {
    await refresh();
    if (!state.items.length) tell("没有分配给您的条目。", "No item of this sample is assigned to you.");
    else await goTo(open(0) ?? 0);
    document.body.dataset.ready = "yes";
  } catch (error) {
    fail(error, start);
  }
}
start();
