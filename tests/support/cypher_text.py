"""What a Cypher text says of itself: its parameters and the columns of its last RETURN."""

import re

COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
STRING = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
PARAMETER = re.compile(r"\$(\w+)")
RETURN = re.compile(r"\bRETURN\b(?:\s+DISTINCT\b)?", re.IGNORECASE)
END_OF_RETURN = re.compile(r"\b(?:ORDER\s+BY|SKIP|LIMIT|UNION)\b", re.IGNORECASE)
ALIAS = re.compile(r"\bAS\s+(\w+)\s*$", re.IGNORECASE)
NAME = re.compile(r"\w+")
OPENING, CLOSING = "([{", ")]}"


def bare(text: str) -> str:
    """The text without comments, and with every string emptied."""
    return COMMENT.sub(" ", STRING.sub("''", text))


def parameters(text: str) -> set[str]:
    """The names after ``$``."""
    return set(PARAMETER.findall(bare(text)))


def columns(text: str) -> list[str]:
    """The aliases of the last RETURN outside of every bracket; ``[]`` where there is none."""
    outer = at_depth_zero(bare(text))
    *_, last = [None, *RETURN.finditer(outer)]
    if last is None:
        return []
    clause = END_OF_RETURN.split(outer[last.end() :])[0]
    return [alias_of(part) for part in clause.split(",")]


def at_depth_zero(text: str) -> str:
    """The text with everything inside brackets taken out."""
    depth = 0
    kept: list[str] = []
    for character in text:
        depth -= character in CLOSING
        if depth == 0:
            kept.append(character)
        depth += character in OPENING
    return "".join(kept)


def alias_of(part: str) -> str:
    """The column's name: what follows AS, or a bare variable."""
    if alias := ALIAS.search(part):
        return alias[1]
    if NAME.fullmatch(part.strip()):
        return part.strip()
    message = f"A returned expression needs a name, AS …: {part.strip()}"
    raise ValueError(message)
