"""A pytest plugin of scripts/test: with CI=true a skipped test is a failed test."""

import os
from collections.abc import Generator
from typing import TypeVar

import pytest

R = TypeVar("R", pytest.TestReport, pytest.CollectReport)

LONG = "long: scripts/test --full"
"""The reason that a test gives when only a full run asks for it; CI may leave those out."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure that keeps its reason."""
    report = yield
    return _refuse(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that skips itself as a whole."""
    report = yield
    return _refuse(report)


def _refuse(report: R) -> R:
    expected_failure = hasattr(report, "wasxfail")
    reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else ""
    if os.environ.get("CI") == "true" and report.skipped and not expected_failure and LONG not in reason:
        report.outcome = "failed"
        report.longrepr = f"CI skips nothing, but this was skipped: {reason}"
    return report
