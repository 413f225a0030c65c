"use strict";
// Zooms into, searches and filters the boxes of each flame graph in this document. A box has its place
// among the boxes before it (data-p), its number in each column (data-v) and its module (data-m).
(function () {
  const WIDTH = 1200;
  const CHARACTER = 7.25;
  const LEAST = 0.2;
  const PALETTE = ["#f2a65a", "#7fb3d5", "#82c99b", "#c39bd3", "#f1948a", "#73c6b6", "#f7dc6f", "#aab7b8"];

  function bytes(number) {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (number >= 1024 && unit + 1 < units.length) {
      number /= 1024;
      unit += 1;
    }
    return (unit === 0 ? number : number.toFixed(2)) + " " + units[unit];
  }

  function matcher(text) {
    if (text === "") {
      return null;
    }
    try {
      return new RegExp(text, "i");
    } catch {
      return { test: (name) => name.includes(text) };
    }
  }

  function flame(svg) {
    const page = svg.closest("[data-flame]");
    const details = svg.querySelector(".details");
    const quiet = details.textContent;
    const columns = svg.dataset.columns.split(",");
    const changed = svg.dataset.shown === "changed";
    const boxes = Array.from(svg.querySelectorAll("g.f"), (g, place) => {
      const rect = g.querySelector("rect");
      return {
        g,
        rect,
        label: g.querySelector("text"),
        name: g.dataset.n,
        module: g.dataset.m || "",
        parent: place === 0 ? null : Number(g.dataset.p),
        values: g.dataset.v.split(",").map(Number),
        fill: rect.getAttribute("fill"),
      };
    });
    const asked = {
      focus: 0,
      columns: changed ? [0] : [...columns.keys()],
      module: null,
      pattern: null,
      byKind: false,
    };

    const parentOf = (box) => boxes[box.parent];

    // What each box has of what was asked for: below a box outside the module, only what goes through
    // it.
    function measure() {
      for (const box of boxes) {
        const inherited = box.parent !== null && parentOf(box).inside;
        box.inside = asked.module === null || box.module === asked.module || inherited;
        const sum = asked.columns.reduce((all, column) => all + box.values[column], 0);
        box.value = box.inside ? sum : 0;
      }
      for (let place = boxes.length - 1; place > 0; place -= 1) {
        const parent = parentOf(boxes[place]);
        if (!parent.inside) {
          parent.value += boxes[place].value;
        }
      }
    }

    function place() {
      const path = new Set();
      for (let at = asked.focus; at !== null; at = boxes[at].parent) {
        path.add(at);
      }
      boxes.forEach((box, at) => {
        const parent = box.parent === null ? null : parentOf(box);
        if (path.has(at)) {
          box.x = 0;
          box.width = WIDTH;
        } else if (path.has(box.parent) && box.parent !== asked.focus) {
          box.x = 0;
          box.width = 0;
        } else {
          box.x = parent.next;
          box.width = parent.value > 0 ? (parent.width * box.value) / parent.value : 0;
          parent.next += box.width;
        }
        box.next = box.x;
        box.past = path.has(at) && at !== asked.focus;
      });
    }

    function fill(box) {
      if (!asked.byKind || changed) {
        return box.fill;
      }
      const most = asked.columns.reduce((a, b) => (box.values[b] > box.values[a] ? b : a), asked.columns[0]);
      return most === undefined ? box.fill : PALETTE[most % PALETTE.length];
    }

    function fitted(box) {
      const room = Math.floor((box.width - 6) / CHARACTER);
      const name = Array.from(box.name);
      if (room < 3) {
        return "";
      }
      return name.length <= room ? box.name : name.slice(0, room - 1).join("") + "…";
    }

    function draw() {
      measure();
      place();
      for (const box of boxes) {
        const visible = box.width >= LEAST;
        box.g.style.display = visible ? "" : "none";
        box.g.classList.toggle("past", box.past);
        if (visible) {
          box.rect.setAttribute("x", box.x);
          box.rect.setAttribute("width", box.width);
          box.rect.setAttribute("fill", fill(box));
          box.label.setAttribute("x", box.x + 3);
          box.label.textContent = fitted(box);
        }
      }
      search();
    }

    function search() {
      let found = 0;
      for (const box of boxes) {
        const hit = asked.pattern !== null && asked.pattern.test(box.name);
        const within = box.parent !== null && parentOf(box).found;
        box.found = hit || within;
        found += hit && !within ? box.value : 0;
        box.g.classList.toggle("hit", hit);
      }
      const all = boxes[0].value || 1;
      say(asked.pattern === null ? quiet : "found: " + bytes(found) + ", " + ((100 * found) / all).toFixed(1) + " %");
    }

    function say(text) {
      details.textContent = text;
    }

    function account(box) {
      const all = boxes[0].value || 1;
      const text = box.name + ": " + bytes(box.value) + ", " + ((100 * box.value) / all).toFixed(1) + " %";
      return changed ? text + "; before " + bytes(box.values[1]) : text;
    }

    function zoom(place) {
      asked.focus = place;
      draw();
    }

    boxes.forEach((box, at) => {
      box.g.addEventListener("click", () => zoom(at));
      box.g.addEventListener("mouseenter", () => say(account(box)));
      box.g.addEventListener("mouseleave", search);
    });
    const actions = {
      reset: () => zoom(0),
      search: () => {
        asked.pattern = matcher(window.prompt("Which functions (a regular expression)?", "") || "");
        search();
      },
    };
    for (const button of svg.querySelectorAll("[data-do]")) {
      button.addEventListener("click", actions[button.dataset.do]);
    }
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        zoom(0);
      }
    });
    if (page === null) {
      return;
    }
    const control = (name) => page.querySelector('[data-control="' + name + '"]');
    const kinds = Array.from(page.querySelectorAll('[data-control="kind"]'));
    const read = () => {
      asked.module = control("module").value || null;
      asked.byKind = control("colour").value === "kind";
      asked.columns = kinds.filter((it) => it.checked).map((it) => columns.indexOf(it.value));
      asked.pattern = matcher(control("search").value);
      kinds.forEach((it) => {
        const colour = PALETTE[columns.indexOf(it.value) % PALETTE.length];
        it.parentElement.style.borderColor = asked.byKind ? colour : "transparent";
      });
      draw();
    };
    control("reset").addEventListener("click", () => zoom(0));
    for (const it of [control("module"), control("colour"), control("search"), ...kinds]) {
      it.addEventListener("input", read);
    }
    page.querySelector(".controls").hidden = false;
    read();
  }

  for (const svg of document.querySelectorAll("svg.flame")) {
    flame(svg);
  }
})();
