// Sends what a mailed link is for. Nothing is sent before a person asks for it: scanners of mail open links too. The token
// stands in the fragment, which no browser sends along; every text goes through textContent; nothing is kept.
"use strict";

const token = new URLSearchParams(location.hash.slice(1)).get("token");
const said = document.getElementById("said");
const wrong = document.getElementById("wrong");

function say(text, errors) {
  said.textContent = text;
  wrong.replaceChildren(
    ...errors.map((error) => {
      const item = document.createElement("li");
      item.textContent = error.message;
      return item;
    }),
  );
  said.focus();
}

async function csrfHeader() {
  const [config, csrf] = await Promise.all(
    ["/api/config", "/api/csrf"].map(async (path) => (await fetch(path)).json()),
  );
  return { [config.csrf.header]: csrf.csrf_token };
}

/** Returns the problem, or nothing when it went well. A token that another tab has replaced meanwhile is worth one more try. */
async function send(path, body) {
  for (let more = 1; ; more -= 1) {
    const headers = { "Content-Type": "application/json", ...(await csrfHeader()) };
    const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
    if (answer.ok) return undefined;
    const problem = await answer.json();
    if (more === 0 || problem.type !== "urn:doorbook:problem:csrf-failed") return problem;
  }
}

async function submit(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const button = form.querySelector("button");
  const body = Object.fromEntries(new FormData(form));
  if (form.dataset.with) body.token = token;
  button.disabled = true;
  say("One moment …", []);
  try {
    const problem = await send(form.dataset.path, body);
    if (problem) {
      say(problem.detail ?? problem.title, problem.errors ?? []);
    } else {
      form.hidden = true;
      history.replaceState(null, "", location.pathname);
      say(form.dataset.done, []);
    }
  } catch {
    say("The service cannot be reached. Try again in a moment.", []);
  } finally {
    button.disabled = false;
  }
}

for (const element of document.querySelectorAll("[data-with], [data-without]")) {
  element.hidden = Boolean(element.dataset.with) !== Boolean(token);
}
for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", submit);
}
