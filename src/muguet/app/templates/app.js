// The page: opens images, asks for their state twice a second, and shows it. All texts are set as text, never as HTML.
"use strict";
const $ = (name) => document.getElementById(name);
const NAMES = { noisy: "Noisy", denoised: "Denoised", blurred: "Gaussian blur" };
const EVERY = 500; // Milliseconds between two questions for the state.
let state = null;
let shownVersion = "";
let timer = 0;

// ------------------------------------------------------------------ requests

async function ask(address, options = {}) {
  let answer;
  try {
    answer = await fetch(address, options);
  } catch {
    throw new Error("muguet app does not answer: it may have been ended in the terminal");
  }
  const facts = await answer.json();
  if (!answer.ok) throw new Error(facts.error);
  return facts;
}

const send = (address, body = {}) =>
  ask(address, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

function complain(error) {
  $("problem").textContent = error.message;
  $("problem").hidden = false;
}

async function begin(request) {
  $("problem").hidden = true;
  try {
    location.hash = (await request).number;
  } catch (error) {
    complain(error);
  }
}

function upload(file) {
  const most = Number(document.body.dataset.maxUpload);
  if (file.size > most) {
    const size = most / 2 ** 30;
    complain(new Error(`the file is larger than ${size} GiB: start muguet app with its folder, and open it by its path`));
    return;
  }
  $("drop").querySelector("strong").textContent = `Copying ${file.name} …`;
  const done = begin(ask(`upload?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file }));
  done.finally(() => {
    $("drop").querySelector("strong").textContent = "Drop an image here";
    $("file").value = "";
  });
}

// ------------------------------------------------------------------ the start

function whereToBegin() {
  const drop = $("drop");
  addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  addEventListener("dragleave", () => drop.classList.remove("over"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (event.dataTransfer.files.length) upload(event.dataTransfer.files[0]);
  });
  $("file").addEventListener("change", () => $("file").files.length && upload($("file").files[0]));
  $("sample").addEventListener("click", () => begin(send("jobs", { simulated: true })));
  $("open")?.addEventListener("submit", (event) => {
    event.preventDefault();
    begin(send("jobs", { path: $("path").value }));
  });
  $("problem").addEventListener("click", () => ($("problem").hidden = true));
}

async function listOthers() {
  const jobs = await ask("jobs");
  $("others").hidden = !jobs.length;
  $("jobs").replaceChildren(
    ...jobs.map((job) => {
      const link = document.createElement("a");
      link.href = `#${job.number}`;
      link.textContent = job.name;
      const item = document.createElement("li");
      item.append(link);
      return item;
    }),
  );
}

// ------------------------------------------------------------------ the image

const number = () => Number(location.hash.slice(1)) || 0;

async function route() {
  clearTimeout(timer);
  shownVersion = "";
  state = null;
  const open = number() > 0;
  $("start").hidden = open;
  $("work").hidden = !open;
  $("close").hidden = !open;
  $("title").textContent = "";
  if (open) await refresh();
  else await listOthers().catch(complain);
}

async function refresh() {
  const asked = number();
  try {
    const found = await ask(`jobs/${asked}`);
    if (asked !== number()) return;
    state = found;
    show();
  } catch (error) {
    complain(error);
    if (!state) location.hash = "";
  }
  if (asked === number() && asked > 0) timer = setTimeout(refresh, EVERY);
}

function fill(list, texts) {
  if (list.dataset.text === JSON.stringify(texts)) return;
  list.dataset.text = JSON.stringify(texts);
  list.replaceChildren(
    ...texts.map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    }),
  );
}

function fillTable(part, rows, cell = "td") {
  part.replaceChildren(
    ...rows.map((row) => {
      const line = document.createElement("tr");
      for (const text of row) line.append(Object.assign(document.createElement(cell), { textContent: text }));
      return line;
    }),
  );
}

function show() {
  document.title = `${state.name} – muguet`;
  $("title").textContent = [state.name, state.about].filter(Boolean).join("  ·  ");
  $("words").textContent = state.words;
  $("progress").hidden = state.stage === "failed" && !state.held_out.length;
  const share = $("share");
  if (state.share === null) share.removeAttribute("value");
  else share.value = state.share;
  share.hidden = state.stage !== "working";
  $("stop").hidden = !state.trains;
  $("model").textContent = state.model ? `Shown: the model ${state.model}.`.replace("the model the first", "the first") : "";
  $("error").hidden = !state.error;
  $("error").textContent = state.error;
  $("notes-card").hidden = !state.notes.length;
  fill($("notes"), state.notes);
  showCurve();
  showLaw();
  showChecks();
  showDownloads();
  showPlanes();
  const version = `${state.number}.${state.version}`;
  if (state.shown && version !== shownVersion) {
    shownVersion = version;
    showPictures();
  }
}

function showCurve() {
  const points = state.held_out.filter(([, loss]) => Number.isFinite(loss));
  $("curve").hidden = points.length < 2;
  if (points.length < 2) return;
  const settled = points.length > 4 ? points.slice(1) : points;
  const losses = settled.map(([, loss]) => loss);
  const [low, high] = [Math.min(...losses), Math.max(...losses)];
  const last = points[points.length - 1];
  const at = ([step, loss]) =>
    `${(6 + (308 * step) / last[0]).toFixed(1)},${(84 - (78 * (loss - low)) / (high - low || 1)).toFixed(1)}`;
  $("line").setAttribute("points", settled.map(at).join(" "));
  $("loss").textContent = `${last[1].toFixed(4)} after ${last[0]} steps`;
}

function showLaw() {
  $("law").hidden = !state.law;
  if (!state.law) return;
  $("camera").hidden = !state.law.rows.length;
  fillTable($("camera").tBodies[0], state.law.rows);
  fill($("law-words"), state.law.sentences);
  fillTable($("law-table").tHead, [state.law.table.heads], "th");
  fillTable($("law-table").tBodies[0], state.law.table.rows);
}

const SIGNS = { good: "✓", doubtful: "!", bad: "✗" };

function showChecks() {
  const checks = state.checks;
  $("blur-check").textContent = checks?.blur ?? "";
  $("checks").hidden = !checks;
  const text = JSON.stringify(checks);
  if (!checks || $("check-list").dataset.text === text) return;
  $("check-list").dataset.text = text;
  $("check-list").replaceChildren(
    ...checks.list.map((check) => {
      const item = document.createElement("li");
      item.className = check.verdict;
      const name = document.createElement("b");
      name.className = check.verdict;
      name.textContent = `${SIGNS[check.verdict]} ${check.name}: ${check.verdict}`;
      const words = document.createElement("p");
      words.textContent = check.sentence;
      const figures = document.createElement("details");
      const title = document.createElement("summary");
      title.textContent = "Numbers";
      figures.append(title, check.figures.map((each) => each.join(" ")).join(" · "));
      item.append(name, words, figures);
      return item;
    }),
  );
}

function showDownloads() {
  $("downloads").hidden = state.result === null;
  $("result-words").textContent = state.result ?? "";
  $("get-result").href = `jobs/${state.number}/result.file`;
  $("get-model").href = `jobs/${state.number}/model.file`;
  const button = $("make-report");
  button.disabled = state.report === "writing";
  button.textContent = { writing: "Writing the report …", ready: "Open the report" }[state.report] ?? "Report";
}

function showPlanes() {
  $("planes").hidden = !state.shown || (state.planes < 2 && state.channels.length < 2);
  if ($("planes").hidden) return;
  $("plane-label").hidden = state.planes < 2;
  $("channel-label").hidden = state.channels.length < 2;
  const plane = $("plane");
  if (Number(plane.max) !== state.planes - 1) {
    plane.max = state.planes - 1;
    plane.value = state.shown.n;
    $("channel").replaceChildren(...state.channels.map((name, c) => new Option(name, c, false, c === state.shown.c)));
  }
  $("plane-number").textContent = `${Number(plane.value) + 1} of ${state.planes}`;
}

function look() {
  const place = { n: Number($("plane").value), c: Number($("channel").value || 0) };
  $("plane-number").textContent = `${place.n + 1} of ${state.planes}`;
  send(`jobs/${state.number}/look`, place).catch(complain);
}

// ------------------------------------------------------------------ before and after

const chosen = (name) => document.querySelector(`input[name="${name}"]:checked`);
const picture = (name) => `jobs/${state.number}/${name}.png?version=${state.version}`;

function showPictures() {
  const shown = state.shown;
  for (const each of document.querySelectorAll('input[name="pair"]')) {
    each.disabled = each.value.includes("blurred") && !shown.names.includes("blurred");
    if (each.disabled && each.checked) document.querySelector('input[name="pair"]').checked = true;
  }
  const names = chosen("pair").value.split(" ").map((name) => (shown.names.includes(name) ? name : "noisy"));
  ["left", "right"].forEach((side, n) => {
    $(side).src = picture(names[n]);
    $(side).alt = NAMES[names[n]];
    $(`${side}-name`).textContent = NAMES[names[n]];
  });
  $("divider").hidden = $("right-name").hidden = names[0] === names[1];
  $("shown-words").textContent = shown.words;
  const bar = $("bar");
  bar.hidden = !shown.bar;
  if (shown.bar) {
    bar.textContent = shown.bar.label;
    bar.style.width = `${100 * shown.bar.share}%`;
  }
  const blur = shown.blur;
  $("blur").hidden = !blur;
  $("edge").replaceChildren();
  if (blur) {
    $("blur-words").textContent = blur.sentence;
    $("profile").hidden = !shown.names.includes("profile");
    if (!$("profile").hidden) $("profile").src = picture("profile");
  }
  if (blur?.line && chosen("pair").value.includes("blurred")) {
    $("edge").setAttribute("viewBox", `0 0 ${shown.width} ${shown.height}`);
    const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
    blur.line.flat().forEach((value, n) => line.setAttribute(["x1", "y1", "x2", "y2"][n], value));
    $("edge").append(line);
  }
  if (state.law) $("law-picture").src = picture("law");
  fit();
}

function fit() {
  if (!state?.shown) return;
  const { width, height } = state.shown;
  const zoom = Number(chosen("zoom").value);
  $("window").classList.toggle("large", zoom > 1);
  const room = Math.min($("window").clientWidth, (innerHeight * 0.78 * width) / height);
  $("compare").style.width = `${room * zoom}px`;
  $("compare").style.aspectRatio = `${width} / ${height}`;
  split();
}

function split() {
  const share = $("slider").value / 10;
  $("left").style.clipPath = $("divider").hidden ? "none" : `inset(0 ${100 - share}% 0 0)`;
  $("divider").style.left = `${share}%`;
}

function compare() {
  const place = (event) => {
    const frame = $("compare").getBoundingClientRect();
    $("slider").value = (1000 * (event.clientX - frame.left)) / frame.width;
    split();
  };
  $("compare").addEventListener("pointerdown", (event) => {
    $("compare").setPointerCapture(event.pointerId);
    place(event);
  });
  $("compare").addEventListener("pointermove", (event) => event.buttons && place(event));
  $("slider").addEventListener("input", split);
  for (const each of document.querySelectorAll('input[name="pair"], input[name="zoom"]'))
    each.addEventListener("change", showPictures);
  addEventListener("resize", fit);
}

function actions() {
  $("stop").addEventListener("click", () => {
    $("stop").hidden = true;
    send(`jobs/${state.number}/stop`).catch(complain);
  });
  $("plane").addEventListener("change", look);
  $("plane").addEventListener("input", () => ($("plane-number").textContent = `${Number($("plane").value) + 1} of ${state.planes}`));
  $("channel").addEventListener("change", look);
  $("make-report").addEventListener("click", () => {
    if (state.report === "ready") open(`jobs/${state.number}/report.file`, "_blank", "noopener");
    else send(`jobs/${state.number}/report`).catch(complain);
  });
  $("close").addEventListener("click", async () => {
    await ask(`jobs/${number()}`, { method: "DELETE" }).catch(complain);
    location.hash = "";
  });
}

whereToBegin();
compare();
actions();
addEventListener("hashchange", route);
route();
