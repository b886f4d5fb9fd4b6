// The query page. Everything that comes from outside becomes text nodes, never markup.
// The key lives in its input alone: not in storage, not in a cookie, not in the address.

import { paint } from "/pages/highlight.js";
import { Docs } from "/pages/docs.js";

const $ = (id) => document.getElementById(id);
const PAINTED_CHARACTERS_MAX = 300_000;

class Editor {
  constructor(id, language) {
    this.area = $(id);
    this.shown = $(`${id}-shown`);
    this.language = language;
    this.leaving = false; // Escape, then Tab leaves the editor, for people without a mouse
    this.area.addEventListener("input", () => this.repaint());
    this.area.addEventListener("scroll", () => this.follow());
    this.area.addEventListener("keydown", (event) => this.key(event));
    this.area.addEventListener("focus", () => (this.leaving = false));
  }

  get value() {
    return this.area.value;
  }

  set value(text) {
    this.area.value = text;
    this.area.scrollTop = 0;
    this.repaint();
  }

  repaint() {
    // The last line needs a character, or the painted text ends one line above the typed one.
    paint(this.shown, `${this.area.value}\n`, this.language);
    this.follow();
  }

  follow() {
    this.shown.scrollTop = this.area.scrollTop;
    this.shown.scrollLeft = this.area.scrollLeft;
  }

  key(event) {
    if (event.key === "Escape") this.leaving = true;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const before = this.area.value.slice(0, this.area.selectionStart);
    const indent = /^[ ]*/.exec(before.slice(before.lastIndexOf("\n") + 1))[0];
    if (event.key === "Tab" && !event.shiftKey && !this.leaving) {
      event.preventDefault();
      this.type("  ");
    } else if (event.key === "Enter") {
      event.preventDefault();
      const opens = /[{([]\s*$/.test(before);
      const after = this.area.value.slice(this.area.selectionEnd);
      this.type(`\n${indent}${opens ? "  " : ""}`);
      if (opens && /^[ ]*[})\]]/.test(after)) {
        const at = this.area.selectionStart;
        this.type(`\n${indent}`);
        this.area.selectionStart = this.area.selectionEnd = at;
      }
    } else if (event.key === "}" && /^[ ]+$/.test(before.slice(before.lastIndexOf("\n") + 1))) {
      const at = this.area.selectionStart;
      if (indent.length >= 2) this.area.selectionStart = at - 2;
    }
  }

  type(text) {
    document.execCommand("insertText", false, text); // the one way that keeps undo
  }
}

const query = new Editor("query", "graphql");
const variables = new Editor("variables", "json");
const docs = new Docs({ body: $("docs-body"), trail: $("trail"), search: $("search"), insert });
let introspected = null; // the key whose schema is shown
let running = null;

function insert(text, values) {
  query.value = text;
  variables.value = values && Object.keys(values).length ? JSON.stringify(values, null, 2) : "";
  query.area.focus();
}

function tell(text, bad = false) {
  $("status").textContent = text;
  $("status").classList.toggle("bad", bad);
}

function show(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  if (text.length > PAINTED_CHARACTERS_MAX) $("result").textContent = text;
  else paint($("result"), text, "json");
  $("result").scrollTop = 0;
}

async function post(body, signal) {
  const response = await fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${$("key").value.trim()}` },
    body: JSON.stringify(body),
    credentials: "omit",
    signal,
  });
  const text = await response.text();
  let answer = text;
  try {
    answer = JSON.parse(text);
  } catch {
    /* shown as it came */
  }
  return { status: response.status, bytes: text.length, answer };
}

function parsedVariables() {
  const text = variables.value.trim();
  if (!text) return {};
  const parsed = JSON.parse(text);
  if (parsed === null || typeof parsed !== "object" || Array.isArray(parsed)) throw new Error("not a JSON object");
  return parsed;
}

function needKey() {
  $("key").classList.add("needed");
  $("key").focus();
  tell("Enter an API key first: `costgraph serve` and `costgraph demo` say where it is.", true);
}

async function run() {
  if (running) running.abort();
  if (!$("key").value.trim()) return needKey();
  let values;
  try {
    values = parsedVariables();
  } catch (error) {
    return tell(`Variables: ${error.message}`, true);
  }
  running = new AbortController();
  $("run").disabled = true;
  tell("Running…");
  const started = performance.now();
  try {
    const { status, bytes, answer } = await post({ query: query.value, variables: values }, running.signal);
    const took = performance.now() - started;
    const errors = answer.errors?.length ?? 0;
    const parts = [`${status}`, `${took < 10 ? took.toFixed(1) : Math.round(took)} ms`, size(bytes)];
    if (errors) parts.push(`${errors} error${errors > 1 ? "s" : ""}: ${answer.errors[0].message}`);
    tell(parts.join(" · "), status >= 400 || errors > 0);
    show(answer);
    if (status === 401) $("key").classList.add("needed");
    else if (introspected !== $("key").value) introspect();
  } catch (error) {
    if (error.name !== "AbortError") tell(`The server does not answer: ${error.message}`, true);
  } finally {
    $("run").disabled = false;
    running = null;
  }
}

const size = (bytes) => (bytes < 1_000 ? `${bytes} B` : `${(bytes / 1_000).toFixed(1)} kB`);

async function introspect() {
  const key = $("key").value;
  if (!key.trim()) return;
  $("key").classList.remove("needed");
  try {
    const { status, answer } = await post({ query: Docs.introspection });
    if (status === 401) {
      $("key").classList.add("needed");
      return tell(answer.errors?.[0]?.message ?? "This key is not known.", true);
    }
    if (!answer.data) return docs.fail(answer.errors?.[0]?.message ?? `The server answered ${status}.`);
    introspected = key;
    docs.load(answer.data.__schema);
    if (!$("result").textContent) tell("Ready. Ctrl + Enter runs the query.");
  } catch (error) {
    tell(`The server does not answer: ${error.message}`, true);
  }
}

async function loadExamples() {
  const examples = await (await fetch("/pages/examples.json")).json();
  for (const [index, { title }] of examples.entries()) $("examples").add(new Option(title, String(index)));
  $("examples").addEventListener("change", (event) => {
    const example = examples[event.target.value];
    if (example) insert(example.query, example.variables);
    event.target.value = "";
  });
  // `#query=…&variables=…` shares a query; it is shown, never run.
  const shared = new URLSearchParams(location.hash.slice(1));
  if (shared.has("query")) {
    query.value = shared.get("query");
    variables.value = shared.get("variables") ?? "";
  } else if (!query.value) {
    query.value = examples[0].query;
    variables.value = "";
  }
}

$("run").addEventListener("click", run);
$("key").addEventListener("change", introspect);
$("toggle-docs").addEventListener("click", () => {
  const hidden = document.querySelector("main").classList.toggle("no-docs");
  $("toggle-docs").setAttribute("aria-expanded", String(!hidden));
});
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
    event.preventDefault();
    run();
  }
});
tell("Enter an API key, then run the query with Ctrl + Enter.");
query.repaint();
variables.repaint();
loadExamples();
$("key").focus();
