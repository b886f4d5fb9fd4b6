"""Files that commands read."""

from pathlib import Path

from server.cli.errors import CliError


def read_text(file: Path) -> str:
    """A text in UTF-8. Raises ``CliError``."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CliError(f"{file}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise CliError(f"{file} is not a text in UTF-8.") from None
