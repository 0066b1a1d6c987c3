// The magnifier: the same part of all crops of a channel, enlarged below them.
"use strict";
const root = document.documentElement;

function magnifier(section) {
  const views = [...section.querySelectorAll(".crops .view")];
  const lenses = [...section.querySelectorAll(".details canvas")];
  if (!views.length) return;
  const where = section.querySelector(".where");
  const [width, height] = [lenses[0].width / lenses[0].dataset.zoom, lenses[0].height / lenses[0].dataset.zoom];
  const whole = views[0].querySelector("img");
  const boxes = views.map((view) => view.querySelector(".box"));
  let [x, y] = [Number(lenses[0].dataset.x), Number(lenses[0].dataset.y)];

  function show() {
    const [columns, rows] = [whole.naturalWidth, whole.naturalHeight];
    x = Math.min(Math.max(Math.round(x), 0), columns - width);
    y = Math.min(Math.max(Math.round(y), 0), rows - height);
    lenses.forEach((lens, n) => {
      const pen = lens.getContext("2d");
      pen.imageSmoothingEnabled = false;
      pen.clearRect(0, 0, lens.width, lens.height);
      pen.drawImage(views[n].querySelector("img"), x, y, width, height, 0, 0, lens.width, lens.height);
    });
    for (const box of boxes) {
      box.style.left = `${(100 * x) / columns}%`;
      box.style.top = `${(100 * y) / rows}%`;
    }
    where.textContent = `x ${x + Number(where.dataset.x)}, y ${y + Number(where.dataset.y)}`;
  }

  function follow(event) {
    const frame = event.currentTarget.getBoundingClientRect();
    x = ((event.clientX - frame.left) / frame.width) * whole.naturalWidth - width / 2;
    y = ((event.clientY - frame.top) / frame.height) * whole.naturalHeight - height / 2;
    show();
  }

  const moves = { ArrowLeft: [-8, 0], ArrowRight: [8, 0], ArrowUp: [0, -8], ArrowDown: [0, 8] };
  for (const view of views) {
    view.addEventListener("pointermove", follow);
    view.addEventListener("pointerdown", follow);
    view.addEventListener("keydown", (event) => {
      const move = moves[event.key];
      if (!move) return;
      event.preventDefault();
      [x, y] = [x + move[0], y + move[1]];
      show();
    });
  }
  return Promise.all(views.map((view) => view.querySelector("img").decode())).then(show);
}

Promise.all([...document.querySelectorAll(".pictures")].map(magnifier)).then(
  () => {
    JSON.parse(document.getElementById("muguet").textContent);
    root.dataset.ready = "true";
  },
  (error) => {
    root.dataset.errors = `${root.dataset.errors ?? ""}${error}; `;
  },
);
