(() => {
  "use strict";
  const at = (id) => document.getElementById(id);
  const brand = at("brand") ? " · " + at("brand").textContent : "";
  const leastRetry = 10; // seconds: time to read why it failed

  const write = (id, text) => {
    if (at(id).textContent === (text || "")) return;
    at(id).textContent = text || "";
    at(id).hidden = !text;
  };

  const fact = (f) => {
    const row = document.createElement("div");
    row.append(document.createElement("dt"), document.createElement("dd"));
    row.firstChild.textContent = f.name;
    row.lastChild.textContent = f.value;
    return row;
  };

  const show = (face) => {
    document.title = face.title + brand;
    document.body.className = face.waiting ? "waiting" : "";
    write("title", face.title);
    write("sentence", face.sentence);
    write("advice", face.advice);
    at("facts").replaceChildren(...(face.facts || []).map(fact));
    at("facts").hidden = !face.facts;
    at("actions").hidden = face.waiting;
  };

  const spell = (s) => (s < 60 ? "" : Math.floor(s / 60) + " min ") + (s % 60) + " s";

  // A page that nobody looks at asks for nothing.
  const again = (seconds) => {
    if (!seconds) return;
    let left = Math.max(seconds, leastRetry);
    const tick = () => {
      if (left <= 0 && document.visibilityState === "visible") return location.reload();
      left = Math.max(left, 0);
      at("retry").textContent = "This page does so in " + spell(left) + ".";
      left--;
      setTimeout(tick, 1000);
    };
    tick();
  };

  const follow = (address) => {
    const stream = new EventSource(address);
    stream.addEventListener("progress", (e) => show(JSON.parse(e.data)));
    stream.addEventListener("ready", () => {
      stream.close();
      location.reload();
    });
    stream.addEventListener("failed", (e) => {
      stream.close();
      const face = JSON.parse(e.data);
      show(face);
      again(face.retryAfterSeconds);
    });
    stream.addEventListener("error", () => {
      if (stream.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5000);
    });
  };

  const told = document.body.dataset;
  if (told.progress) follow(told.progress);
  else again(Number(told.retry));
})();
