// The schema as a book: from introspection, with a search over all types and fields, and for each
// root field a query that can be run at once.

const TYPE = "kind name ofType { kind name ofType { kind name ofType { kind name } } }";
const SELECTION_DEPTH_MAX = 2;
const FOUND_MAX = 60;
const LEAVES = new Set(["SCALAR", "ENUM"]);

export class Docs {
  static introspection = `query Introspection {
    __schema {
      queryType { name }
      mutationType { name }
      types {
        kind name description
        fields { name description args { name description defaultValue type { ${TYPE} } } type { ${TYPE} } }
        inputFields { name description defaultValue type { ${TYPE} } }
        enumValues { name description }
        possibleTypes { name }
      }
    }
  }`;

  constructor({ body, trail, search, insert }) {
    Object.assign(this, { body, trail, search, insert });
    this.types = new Map();
    this.path = [];
    this.body.append(note("The schema shows here once a key is entered."));
    search.addEventListener("input", () => this.show());
  }

  load(schema) {
    this.types = new Map(schema.types.filter((type) => !type.name.startsWith("__")).map((type) => [type.name, type]));
    this.roots = [schema.queryType, schema.mutationType].filter(Boolean).map(({ name }) => name);
    this.show();
  }

  fail(message) {
    this.body.replaceChildren(note(message));
  }

  open(name) {
    const known = this.path.indexOf(name);
    this.path = known >= 0 ? this.path.slice(0, known + 1) : [...this.path, name];
    this.search.value = "";
    this.show();
  }

  show() {
    const wanted = this.search.value.trim().toLowerCase();
    if (!this.types.size) return;
    this.trail.replaceChildren();
    this.body.replaceChildren();
    this.body.scrollTop = 0;
    if (wanted) return this.showFound(wanted);
    const name = this.path.at(-1);
    if (!name) {
      for (const root of this.roots) this.showType(this.types.get(root));
      return this.showAllTypes();
    }
    this.trail.append(link("Schema", () => this.home()));
    for (const each of this.path.slice(0, -1)) this.trail.append("›", link(each, () => this.open(each)));
    this.showType(this.types.get(name));
  }

  home() {
    this.path = [];
    this.show();
  }

  showType(type) {
    this.body.append(element("h3", type.name));
    if (type.description) this.body.append(note(type.description));
    for (const field of type.fields ?? []) this.body.append(this.field(field, this.roots.includes(type.name) && type.name));
    for (const field of type.inputFields ?? []) this.body.append(this.field(field));
    for (const value of type.enumValues ?? []) this.body.append(block(value.name, value.description));
    for (const { name } of type.possibleTypes ?? []) {
      const line = block("", "");
      line.append(link(name, () => this.open(name)));
      this.body.append(line);
    }
  }

  showAllTypes() {
    this.body.append(element("h4", "All types"));
    for (const name of [...this.types.keys()].sort()) {
      const line = block("", "");
      line.append(link(name, () => this.open(name)));
      this.body.append(line);
    }
  }

  showFound(wanted) {
    const found = [];
    for (const type of this.types.values()) {
      if (type.name.toLowerCase().includes(wanted)) found.push([!type.name.toLowerCase().startsWith(wanted), type, null]);
      for (const field of [...(type.fields ?? []), ...(type.inputFields ?? []), ...(type.enumValues ?? [])]) {
        if (field.name.toLowerCase().includes(wanted)) found.push([!field.name.toLowerCase().startsWith(wanted), type, field]);
      }
    }
    found.sort((a, b) => a[0] - b[0]);
    for (const [, type, field] of found.slice(0, FOUND_MAX)) {
      const line = block("", (field ?? type).description);
      line.prepend(link(field ? `${type.name}.${field.name}` : type.name, () => this.open(type.name)));
      this.body.append(line);
    }
    if (!found.length) this.body.append(note("Nothing has that in its name."));
    if (found.length > FOUND_MAX) this.body.append(note(`${found.length - FOUND_MAX} more: type on.`));
  }

  field(field, root = null) {
    const line = element("div", "");
    line.className = "field";
    if (root) {
      const button = element("button", "Try");
      button.type = "button";
      button.className = "try";
      button.title = "Put a query for this field into the editor";
      button.addEventListener("click", () => this.insert(...this.sample(field, root)));
      line.append(button);
    }
    line.append(element("b", field.name));
    if (field.args?.length) {
      line.append("(");
      field.args.forEach((arg, index) => line.append(index ? ", " : "", `${arg.name}: `, this.typeLink(arg.type), given(arg)));
      line.append(")");
    }
    line.append(": ", this.typeLink(field.type), given(field));
    if (field.description) line.append(note(field.description));
    return line;
  }

  typeLink(type) {
    const name = named(type).name;
    const text = written(type);
    return this.types.get(name)?.kind === "SCALAR" ? element("span", text) : link(text, () => this.open(name));
  }

  // A query for a root field: required arguments as variables, every plain field that needs none.
  sample(field, root) {
    const needed = field.args.filter((arg) => arg.type.kind === "NON_NULL" && arg.defaultValue === null);
    const declared = needed.map((arg) => `$${arg.name}: ${written(arg.type)}`).join(", ");
    const passed = needed.map((arg) => `${arg.name}: $${arg.name}`).join(", ");
    const title = field.name[0].toUpperCase() + field.name.slice(1);
    const operation = root === this.roots[1] ? "mutation" : "query";
    const values = Object.fromEntries(needed.map((arg) => [arg.name, this.blank(arg.type)]));
    const text = `${operation} ${title}${declared && `(${declared})`} {\n  ${field.name}${passed && `(${passed})`}${this.selection(field.type, 1)}\n}\n`;
    return [text, values];
  }

  selection(reference, depth) {
    const type = this.types.get(named(reference).name);
    if (LEAVES.has(type.kind)) return "";
    const pad = "  ".repeat(depth + 1);
    const lines = [];
    if (type.kind === "UNION") {
      lines.push("__typename");
      for (const member of type.possibleTypes) {
        lines.push(`... on ${member.name}${this.selection({ name: member.name }, depth + 1)}`);
      }
    }
    for (const field of type.fields ?? []) {
      const leaf = LEAVES.has(this.types.get(named(field.type).name).kind);
      const free = field.args.every((arg) => arg.type.kind !== "NON_NULL" || arg.defaultValue !== null);
      if (free && leaf) lines.push(field.name);
      else if (free && depth < SELECTION_DEPTH_MAX && ["nodes", "pageInfo", "costEntry"].includes(field.name)) {
        lines.push(`${field.name}${this.selection(field.type, depth + 1)}`);
      }
    }
    if (!lines.length) lines.push("__typename");
    return ` {\n${lines.map((line) => pad + line).join("\n")}\n${"  ".repeat(depth)}}`;
  }

  blank(reference) {
    if (reference.kind === "NON_NULL") return this.blank(reference.ofType);
    if (reference.kind === "LIST") return [this.blank(reference.ofType)];
    const type = this.types.get(reference.name);
    if (type.kind === "ENUM") return type.enumValues[0].name;
    if (type.kind === "INPUT_OBJECT") {
      const needed = type.inputFields.filter((field) => field.type.kind === "NON_NULL" && field.defaultValue === null);
      return Object.fromEntries(needed.map((field) => [field.name, this.blank(field.type)]));
    }
    return { Int: 0, Float: 0, BigInt: 0, Boolean: false, Decimal: "0", DateTime: new Date().toISOString() }[type.name] ?? "";
  }
}

function named(type) {
  return type.ofType ? named(type.ofType) : type;
}

function written(type) {
  if (type.kind === "NON_NULL") return `${written(type.ofType)}!`;
  if (type.kind === "LIST") return `[${written(type.ofType)}]`;
  return type.name;
}

function given(argument) {
  return [null, undefined, "null"].includes(argument.defaultValue) ? "" : ` = ${argument.defaultValue}`;
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function note(text) {
  return element("p", text);
}

function block(title, description) {
  const line = element("div", title);
  line.className = "field";
  if (description) line.append(note(description));
  return line;
}

function link(text, follow) {
  const button = element("button", text);
  button.type = "button";
  button.className = "link";
  button.addEventListener("click", follow);
  return button;
}
