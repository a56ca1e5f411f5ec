#include "pages.hpp"

#include "escaping.hpp"

namespace demos::http {

std::string page(std::string_view title, std::string_view body, std::string_view scripts) {
    std::string text = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>)";
    text += html(title);
    text += R"( – Pollux</title>
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="/icon.svg">
)";
    text += scripts;
    text += R"(</head>
<body>
<nav><a class="name" href="/">Pollux</a><a href="/guestbook">Guest book</a><a href="/upload">Upload</a><a href="/files/">Files</a><a href="/stats">Statistics</a></nav>
<main>
)";
    text += body;
    text += "</main>\n</body>\n</html>\n";
    return text;
}

std::string_view style_sheet() {
    return R"(:root { color-scheme: light dark; --text: #1c2430; --soft: #5b6675; --back: #f6f7f9;
  --card: #ffffff; --line: #dde2e9; --accent: #0b62c4; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e8ee; --soft: #9aa6b5; --back: #12161c; --card: #1b212a; --line: #303a47; --accent: #6db3ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.55 system-ui, sans-serif; }
nav { display: flex; flex-wrap: wrap; gap: 1.4rem; padding: .9rem 1.5rem; background: var(--card);
  border-bottom: 1px solid var(--line); }
nav .name { font-weight: 700; color: var(--text); }
main { max-width: 52rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.7rem; margin: .5rem 0 1rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .6rem; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: 1rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem; }
.card b { display: block; font-size: 1.3rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.card span, .soft { color: var(--soft); font-size: .92rem; }
table { border-collapse: collapse; width: 100%; background: var(--card); border: 1px solid var(--line); }
th, td { text-align: left; padding: .4rem .8rem; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 600; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
form { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem; margin: 1rem 0; }
label { display: block; margin-bottom: .8rem; }
input, textarea { display: block; width: 100%; margin-top: .2rem; padding: .5rem; font: inherit;
  color: inherit; background: var(--back); border: 1px solid var(--line); border-radius: .4rem; }
button { padding: .5rem 1.2rem; font: inherit; color: var(--card); background: var(--accent); border: 0; border-radius: .4rem; }
blockquote { margin: 0 0 1rem; padding: .6rem 1rem; background: var(--card); border-left: 3px solid var(--accent);
  white-space: pre-wrap; overflow-wrap: anywhere; }
code { font-family: ui-monospace, monospace; font-size: .92em; }
svg { width: 100%; height: 9rem; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; }
polyline { fill: none; stroke: var(--accent); stroke-width: 2; vector-effect: non-scaling-stroke; }
)";
}

std::string_view icon() {
    return R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="#0b62c4"/><circle cx="8" cy="8" r="3" fill="#fff"/></svg>
)";
}

std::string_view first_page_body() {
    return R"(<h1>A small web application</h1>
<p>One thread, one loop, any number of connections: this page comes from <code>http_server</code>, a demo
of Pollux. Reading requests, keeping connections alive and sending files is a few hundred lines on top of the
library’s streams.</p>
<div class="cards">
<a class="card" href="/guestbook"><b>Guest book</b><span>A form, and what it gathered</span></a>
<a class="card" href="/upload"><b>Upload</b><span>Sends files and checks what came</span></a>
<a class="card" href="/files/"><b>Files</b><span>With <code>--root</code>: a directory, with ranges</span></a>
<a class="card" href="/stats"><b>Statistics</b><span>The server at work, live</span></a>
</div>
<h2>From a terminal</h2>
<p><code>curl -i HOST/plain</code> answers a line of text, <code>curl -T FILE HOST/upload/</code> sends a file,
<code>curl HOST/stats.json</code> fetches the figures.</p>
)";
}

std::string_view upload_page_body() {
    return R"(<h1>Upload</h1>
<p>What is sent is counted and its CRC-32 is taken, so that you can tell that all of it arrived.
With <code>--uploads</code> files are kept under their names, none is ever replaced.</p>
<form method="post" action="/upload" enctype="multipart/form-data">
<label>Files <input type="file" name="file" multiple required></label>
<label>A remark <input name="remark" maxlength="200"></label>
<button>Send</button>
</form>
)";
}

std::string_view statistics_page_body() {
    return R"(<h1>Statistics</h1>
<p class="soft">Fetched every second from <a href="/stats.json">/stats.json</a>. <span id="state">Not fetched yet.</span></p>
<div class="cards" id="figures"></div>
<h2>Requests a second</h2>
<svg viewBox="0 0 60 100" preserveAspectRatio="none" role="img" aria-label="Requests a second over the last minute"><polyline id="line" points=""></polyline></svg>
<h2>How connections ended, and what was refused</h2>
<table id="ends"></table>
)";
}

std::string_view statistics_script() {
    return R"("use strict";
const names = { uptime: "seconds up", open: "connections open", accepted: "connections accepted",
  requests: "requests", received: "bytes received", sent: "bytes sent", backend: "backend",
  trigger: "trigger", succeeded: "answers 2xx", redirected: "answers 3xx",
  client_errors: "answers 4xx", server_errors: "answers 5xx" };
const rates = [];
let before = null;

function element(tag, text, kind) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function show(stats) {
  const cards = Object.keys(names).map(key => {
    const card = element("div", "", "card");
    const value = stats[key];
    const figure = element("b", typeof value === "number" ? value.toLocaleString("en") : value);
    figure.id = "figure-" + key;
    card.append(figure, element("span", names[key]));
    return card;
  });
  document.getElementById("figures").replaceChildren(...cards);
  const rows = Object.entries(stats.ended).map(([reason, count]) => {
    const row = element("tr", "");
    row.append(element("td", reason), element("td", count.toLocaleString("en"), "number"));
    return row;
  });
  document.getElementById("ends").replaceChildren(...rows);
}

function draw(stats) {
  if (before && stats.milliseconds > before.milliseconds)
    rates.push(1000 * (stats.requests - before.requests) / (stats.milliseconds - before.milliseconds));
  before = stats;
  if (rates.length > 61) rates.shift();
  const top = Math.max(1, ...rates);
  document.getElementById("line").setAttribute("points",
    rates.map((rate, i) => (60 - rates.length + 1 + i) + "," + (95 - 90 * rate / top)).join(" "));
}

async function update() {
  const state = document.getElementById("state");
  try {
    const stats = await (await fetch("/stats.json", { cache: "no-store" })).json();
    show(stats);
    draw(stats);
    state.textContent = "Live.";
  } catch (error) {
    state.textContent = "The server does not answer.";
  }
  setTimeout(update, 1000);
}
update();
)";
}

} // namespace demos::http
