// Colours for GraphQL and JSON: one expression per language, spans of text, no markup.

const STRING = '"(?:[^"\\\\\\n]|\\\\.)*"?';
const NUMBER = "-?\\b\\d+(?:\\.\\d+)?(?:[eE][+-]?\\d+)?\\b";

const LANGUAGES = {
  graphql: new RegExp(
    [
      "(?<comment>#[^\\n]*)",
      `(?<text>"""[\\s\\S]*?(?:"""|$)|${STRING})`,
      `(?<number>${NUMBER})`,
      "(?<word>\\b(?:query|mutation|subscription|fragment|on|true|false|null)\\b)",
      "(?<name>[$@]\\w+|\\b[A-Z]\\w*)",
    ].join("|"),
    "g",
  ),
  json: new RegExp(
    [`(?<name>${STRING}(?=\\s*:))`, `(?<text>${STRING})`, `(?<number>${NUMBER})`, "(?<word>\\b(?:true|false|null)\\b)"].join("|"),
    "g",
  ),
};

export function paint(element, text, language) {
  const painted = document.createDocumentFragment();
  let at = 0;
  for (const match of text.matchAll(LANGUAGES[language])) {
    painted.append(text.slice(at, match.index));
    const span = document.createElement("span");
    span.className = Object.keys(match.groups).find((name) => match.groups[name] !== undefined);
    span.textContent = match[0];
    painted.append(span);
    at = match.index + match[0].length;
  }
  painted.append(text.slice(at));
  element.replaceChildren(painted);
}
