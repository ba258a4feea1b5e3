"use strict";
// The document: a pair at a time, heard by both sides before it has a vote; votes stay in the browser and are downloaded.

const content = JSON.parse(document.getElementById("content").textContent);
const { page, pairs, texts } = content;
const seconds = content.steps / content.steps_per_second;
const SIDES = ["a", "b"];
const STORED = `pianoroll-listening/${page}`; // the listener's name; with "/NAME" what they have heard and voted

const find = (selector) => document.querySelector(selector);
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const clock = (time) => `0:${String(Math.floor(time)).padStart(2, "0")}`;

// --- What is kept

/** Reads and writes the browser's storage, which a browser may forbid. */
const storage = {
  read(key) {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },
  write(key, value) {
    try {
      localStorage.setItem(key, value);
      return true;
    } catch {
      find("#unkept").hidden = false;
      return false;
    }
  },
};

let listener = "";
let state = { at: 0, plays: {}, votes: {} }; // place of the pair; by pair: plays to the end of A and B; choice and time

function keep() {
  storage.write(`${STORED}/${listener}`, JSON.stringify(state));
}

function load(name) {
  listener = name;
  state = { at: 0, plays: {}, votes: {} };
  try {
    state = { ...state, ...JSON.parse(storage.read(`${STORED}/${name}`)) };
  } catch {
    // damaged: from the start
  }
  if (!pairs[state.at]) state.at = 0;
}

const current = () => pairs[state.at];
const plays = () => (state.plays[current().id] ??= [0, 0]);
const voted = () => pairs.filter((pair) => state.votes[pair.id]).length;

// --- Sound

let context = null;
let playing = null; // {side, source, startedAt (of the context's time), offset} while a source runs
let paused = null; // {side, offset}
let sounds = new Map(); // pair id → one AudioBuffer a side, of the pair shown and the next

/** The sounds of a pair, equally loud. */
function soundsOf(pair) {
  if (!sounds.has(pair.id)) {
    const rendered = SIDES.map((side) => render(pair[side].notes, seconds, content.steps_per_second));
    const buffers = equallyLoud(rendered).map((channels) => {
      const buffer = new AudioBuffer({ length: channels[0].length, numberOfChannels: 2, sampleRate: RATE });
      channels.forEach((samples, channel) => buffer.copyToChannel(samples, channel));
      return buffer;
    });
    sounds.set(pair.id, buffers);
  }
  return sounds.get(pair.id);
}

function prepare() {
  const wanted = [current(), pairs[state.at + 1]].filter(Boolean);
  sounds = new Map([...sounds].filter(([id]) => wanted.some((pair) => pair.id === id)));
  for (const pair of wanted) setTimeout(() => wanted.includes(current()) && soundsOf(pair), 50);
}

function stop() {
  if (playing) {
    playing.source.onended = null;
    playing.source.stop();
  }
  playing = paused = null;
}

function position() {
  if (!playing) return paused ? paused.offset : 0;
  return Math.max(0, playing.offset + context.currentTime - playing.startedAt);
}

function play(side, offset = 0) {
  stop();
  context ??= new AudioContext();
  const pair = current();
  const source = new AudioBufferSourceNode(context, { buffer: soundsOf(pair)[side] });
  source.connect(context.destination);
  source.onended = () => heard(pair, side);
  source.start(0, offset);
  playing = { side, source, offset, startedAt: context.currentTime };
  context.resume(); // it may be suspended until a key or a button is pressed
  showPlayers();
}

function pause() {
  const offset = position();
  const { side } = playing;
  stop();
  paused = { side, offset };
  showPlayers();
}

function heard(pair, side) {
  playing = null;
  (state.plays[pair.id] ??= [0, 0])[side] += 1;
  keep();
  showPlayers();
  const bothHeard = plays().every(Boolean);
  say(bothHeard ? texts.both_heard : fill(texts.heard_one, { side: "AB"[side], other: "BA"[side] }));
}

/** Plays, pauses or resumes one side. */
function toggle(side) {
  if (playing?.side === side) pause();
  else if (paused?.side === side) play(side, paused.offset);
  else play(side);
}

// --- What is shown

const say = (text) => (find("#message").textContent = text);

function show(screen) {
  for (const name of ["start", "pair", "end"]) find(`#${name}`).hidden = name !== screen;
  find("#tools").hidden = screen === "start";
  find("#download").hidden = screen === "end"; // which has a button of its own
}

function showPair() {
  stop();
  show("pair");
  find("#place").textContent = fill(texts.place, { n: state.at + 1, all: pairs.length });
  find("#previous").setAttribute("aria-disabled", state.at === 0);
  find("#next").setAttribute("aria-disabled", state.at === pairs.length - 1);
  showPlayers();
  showVotes();
  prepare();
}

function showPlayers() {
  SIDES.forEach((name, side) => {
    const player = find(`#${name}`);
    const label = playing?.side === side ? texts.pause : paused?.side === side ? texts.resume : texts.play;
    const count = plays()[side];
    player.classList.toggle("playing", playing?.side === side);
    player.classList.toggle("heard", count > 0);
    player.querySelector(".play").setAttribute("aria-label", fill(label, { side: "AB"[side] }));
    player.querySelector(".heard-text").textContent = count ? fill(texts.heard, { n: count }) : texts.not_heard;
  });
  showPlayhead();
  const ready = plays().every(Boolean);
  for (const button of document.querySelectorAll("[data-choice]")) button.setAttribute("aria-disabled", !ready);
}

function showPlayhead() {
  SIDES.forEach((name, side) => {
    const here = (playing ?? paused)?.side === side ? Math.min(position(), seconds) : 0;
    find(`#${name} .bar span`).style.transform = `scaleX(${here / seconds})`;
    find(`#${name} .time`).textContent = `${clock(here)} / ${clock(seconds)}`;
  });
  if (playing) requestAnimationFrame(showPlayhead);
}

function showVotes() {
  const choice = state.votes[current().id]?.choice;
  for (const button of document.querySelectorAll("[data-choice]")) {
    button.setAttribute("aria-pressed", button.dataset.choice === choice);
  }
  const count = voted();
  find("#done").style.transform = `scaleX(${count / pairs.length})`;
  find("#count").textContent = fill(texts.count, { n: count, all: pairs.length });
  find("#download").setAttribute("aria-disabled", count === 0);
}

function go(place, focus = null) {
  if (!pairs[place]) return;
  state.at = place;
  keep();
  showPair();
  say("");
  if (focus) find(focus).focus();
}

// --- Votes

function vote(choice) {
  if (!plays().every(Boolean)) {
    say(texts.hear_both);
    return;
  }
  const name = texts[`voted_${choice}`];
  state.votes[current().id] = { choice, time: new Date().toISOString() };
  keep();
  const left = pairs.map((_, n) => (state.at + n) % pairs.length).filter((n) => !state.votes[pairs[n].id]);
  if (left.length) {
    go(left[0], "#a .play");
    say(name);
  } else {
    showVotes();
    stop();
    show("end");
    find("#end h2").focus();
  }
}

function download() {
  if (!voted()) {
    say(texts.no_votes);
    return;
  }
  const votes = pairs.flatMap((pair, n) => {
    const given = state.votes[pair.id];
    const order = [pair.a.id, pair.b.id];
    return given ? [{ pair: pair.id, place: n + 1, order, plays: state.plays[pair.id], ...given }] : [];
  });
  const file = { format: content.format, page, listener, votes };
  file.checksum = sha256(JSON.stringify(file));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(file, null, 1)], { type: "application/json" }));
  link.download = `votes-${listener.replace(/[^\p{L}\p{N}_-]+/gu, "-")}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  say(fill(texts.downloaded, { file: link.download }));
}

// --- Keys

const ACTIONS = {
  1: () => playFromStart(0),
  2: () => playFromStart(1),
  a: () => playFromStart(0),
  b: () => playFromStart(1),
  " ": () => toggle((playing ?? paused)?.side ?? 0),
  ArrowLeft: () => vote("a"),
  ArrowRight: () => vote("b"),
  0: () => vote("same"),
  p: () => go(state.at - 1, "#a .play"),
  n: () => go(state.at + 1, "#a .play"),
};

function playFromStart(side) {
  find(`#${SIDES[side]} .play`).focus();
  play(side);
}

/** The key as on an English keyboard if it has a letter of another alphabet. */
function keyOf(event) {
  const letter = /^Key([A-Z])$/.exec(event.code)?.[1].toLowerCase();
  return event.key.length === 1 && event.key > "\x7f" && letter ? letter : event.key.toLowerCase();
}

document.addEventListener("keydown", (event) => {
  const isText = event.target.matches("input:not([type=checkbox])");
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || isText || find("dialog[open]")) return;
  if (!find("#keys").checked) return;
  const key = event.key.startsWith("Arrow") ? event.key : keyOf(event);
  if (key === "?") {
    find("#help").showModal();
  } else if (ACTIONS[key] && !find("#pair").hidden) {
    if (key === " " && event.target.matches("button, summary")) return; // which it presses
    ACTIONS[key]();
  } else {
    return;
  }
  event.preventDefault();
});

// --- The start

find("#start form").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = find("#name").value.trim().toWellFormed?.() ?? find("#name").value.trim();
  if (!name) return;
  storage.write(STORED, name);
  load(name);
  showPair();
  find("#a .play").focus();
});
SIDES.forEach((name, side) => {
  find(`#${name} .play`).addEventListener("click", () => toggle(side));
  find(`#${name} .again`).addEventListener("click", () => playFromStart(side));
});
for (const button of document.querySelectorAll("[data-choice]")) {
  button.addEventListener("click", () => vote(button.dataset.choice));
}
for (const button of document.querySelectorAll("[data-download]")) button.addEventListener("click", download);
find("#previous").addEventListener("click", () => go(state.at - 1, state.at === 1 && "#a .play")); // it is hidden then
find("#next").addEventListener("click", () => go(state.at + 1, state.at === pairs.length - 2 && "#a .play"));
find("#back").addEventListener("click", () => go(0, "#a .play"));
find("#ask").addEventListener("click", () => find("#help").showModal());
find("#rename").addEventListener("click", () => {
  stop();
  show("start");
  find("#name").focus();
  find("#name").select();
});
find("#keys").checked = storage.read("pianoroll-listening-keys") !== "off";
find("#keys").addEventListener("change", () =>
  storage.write("pianoroll-listening-keys", find("#keys").checked ? "on" : "off"),
);
addEventListener("storage", (event) => {
  if (listener && event.key === `${STORED}/${listener}`) {
    const { at } = state; // voted in another window
    load(listener);
    state.at = at;
    showVotes();
    showPlayers();
  }
});

const known = storage.read(STORED);
find("#name").value = known ?? "";
if (known) {
  load(known);
  showPair();
} else {
  show("start");
  prepare();
}
