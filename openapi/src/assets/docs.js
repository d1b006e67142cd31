// Shows /api/openapi.json and tries its operations. Every text goes through textContent; nothing is kept in the browser.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];
let fields = 0;

/** An element with attributes and children; texts become text nodes. */
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function resolve(root, schema) {
  const reference = schema?.$ref;
  if (!reference) return schema ?? {};
  return reference.slice(2).split("/").reduce((place, name) => place?.[name], root) ?? {};
}

function typeOf(schema) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.oneOf) return schema.oneOf.map(typeOf).join(" or ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  if (schema.type === "array") return `list of ${typeOf(schema.items ?? {})}`;
  const type = [schema.type ?? "anything"].flat().join(" or ");
  return schema.format ? `${type} (${schema.format})` : type;
}

/** A text of the document; what stands between backticks is code. */
function prose(text) {
  return (text ?? "").split("`").map((part, place) => (place % 2 === 1 ? make("code", {}, part) : part));
}

function pair(name, ...text) {
  return [make("dt", {}, make("code", {}, name)), make("dd", {}, ...text)];
}

function properties(root, schema) {
  const object = resolve(root, schema);
  const variants = object.oneOf ?? [object];
  const lists = variants.map((variant) => {
    const { properties: all = {}, required = [] } = resolve(root, variant);
    const rows = Object.entries(all).flatMap(([name, field]) => {
      const needed = required.includes(name) ? "" : ", optional";
      const about = field.description ? [": ", ...prose(field.description)] : [];
      return pair(name, make("em", {}, typeOf(field)), needed, ...about);
    });
    return make("dl", {}, ...rows);
  });
  return make("div", {}, ...lists);
}

function labelled(text, control) {
  control.id = `field-${(fields += 1)}`;
  return make("div", {}, make("label", { for: control.id }, text), control);
}

async function csrfHeader() {
  const [config, token] = await Promise.all(
    ["/api/config", "/api/csrf"].map(async (path) => (await fetch(path)).json()),
  );
  return { [config.csrf.header]: token.csrf_token };
}

async function showWho() {
  const state = await (await fetch("/api/session")).json();
  document.getElementById("who").textContent = state.authenticated ? `signed in as ${state.user.email}` : "signed out";
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

async function tryIt(method, path, inputs, body) {
  let target = path;
  const query = new URLSearchParams();
  for (const [parameter, input] of inputs) {
    if (parameter.in === "path") target = target.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    else if (input.value !== "") query.set(parameter.name, input.value);
  }
  if (query.size > 0) target += `?${query}`;
  const headers = method === "get" ? {} : await csrfHeader();
  if (body) headers["Content-Type"] = "application/json";
  const answer = await fetch(target, { method: method.toUpperCase(), headers, body: body?.value });
  const text = await answer.text();
  return `${answer.status} ${answer.headers.get("content-type") ?? ""}\n\n${pretty(text)}`;
}

function tryForm(root, method, path, operation) {
  const form = make("form", {}, make("h4", {}, "Try it"));
  const inputs = (operation.parameters ?? []).map((parameter) => {
    const input = make("input", { autocomplete: "off" });
    if (parameter.required) input.required = true;
    form.append(labelled(`${parameter.name} (${parameter.in})`, input));
    return [parameter, input];
  });
  const schema = operation.requestBody?.content["application/json"]?.schema;
  let body;
  if (schema) {
    body = make("textarea", { spellcheck: "false", autocapitalize: "off" });
    body.value = JSON.stringify(resolve(root, schema).examples?.[0] ?? {}, null, 2);
    form.append(labelled("Body", body));
  }
  const result = make("pre", { role: "status", tabindex: "0", "aria-label": "Answer", hidden: "" });
  form.append(make("button", {}, `Send ${method.toUpperCase()}`), result);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    result.hidden = false;
    result.textContent = "…";
    try {
      result.textContent = await tryIt(method, path, inputs, body);
      await showWho();
    } catch (error) {
      result.textContent = `The request did not reach the service: ${error.message}`;
    }
  });
  return form;
}

function responses(root, operation) {
  const rows = Object.entries(operation.responses).flatMap(([status, response]) => {
    const schema = Object.values(response.content ?? {})[0]?.schema;
    return pair(status, ...prose(response.description), schema ? ` (${typeOf(schema)})` : "");
  });
  const good = Object.values(operation.responses)[0]?.content?.["application/json"]?.schema;
  const parts = [make("h4", {}, "Answers"), make("dl", {}, ...rows)];
  if (good) parts.push(make("h4", {}, typeOf(good)), properties(root, good));
  return parts;
}

function show(root, path, method, operation) {
  const inside = make("div", { class: "inside" });
  const box = make(
    "details",
    { id: operation.operationId },
    make(
      "summary",
      {},
      make("span", { class: "method" }, method.toUpperCase()),
      make("code", { class: "path" }, path),
      make("span", {}, ...prose(operation.summary)),
    ),
    inside,
  );
  box.addEventListener(
    "toggle",
    () => {
      inside.append(make("p", {}, make("code", {}, operation.operationId)));
      for (const paragraph of operation.description?.split("\n\n") ?? []) inside.append(make("p", {}, ...prose(paragraph)));
      const schema = operation.requestBody?.content["application/json"]?.schema;
      if (schema) inside.append(make("h4", {}, `Body: ${typeOf(schema)}`), properties(root, schema));
      inside.append(...responses(root, operation), tryForm(root, method, path, operation));
    },
    { once: true },
  );
  return box;
}

async function start() {
  const root = await (await fetch("/api/openapi.json")).json();
  const about = prose(`${root.info.summary}, version ${root.info.version}. ${root.info.description}`);
  document.getElementById("about").replaceChildren(...about);
  const place = document.getElementById("operations");
  for (const tag of root.tags) {
    place.append(make("h2", {}, tag.name), make("p", { class: "quiet" }, ...prose(tag.description)));
    for (const [path, item] of Object.entries(root.paths)) {
      for (const method of METHODS) {
        if (item[method]?.tags?.includes(tag.name)) place.append(show(root, path, method, item[method]));
      }
    }
  }
  await showWho();
}

start().catch((error) => {
  document.getElementById("about").textContent = `The document could not be read: ${error.message}`;
});
