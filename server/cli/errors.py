"""How a command ends when it cannot do what it was asked.

| exit code | meaning                                                              |
| --------- | -------------------------------------------------------------------- |
| 0         | done                                                                 |
| 1         | the answer is no: refused rows, findings, an unknown id, a wrong key |
| 2         | the command line or the environment does not make sense              |
| 3         | the server or the engine cannot be reached or started                |
"""

REFUSED, MISUSED, UNREACHABLE = 1, 2, 3


class CliError(Exception):
    """Ends the command with a message on standard error and an exit code."""

    def __init__(self, message: str, exit_code: int = REFUSED) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code
