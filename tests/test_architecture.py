"""The arrows between the rooms, as pyproject.toml states them."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
FIXED_ROOMS = {"cypher", "evolution", "graph", "resolvers", "schema"}


def test_every_room_keeps_to_its_arrows() -> None:
    run = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_contract_knows_every_room_that_ships() -> None:
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    shipped: list[str] = tool["hatch"]["build"]["targets"]["wheel"]["packages"]
    layers: list[str] = tool["importlinter"]["contracts"][0]["layers"]
    assert sorted(tool["importlinter"]["root_packages"]) == sorted(shipped)
    assert sorted(room.strip() for layer in layers for room in layer.split("|")) == sorted(shipped)
    assert set(shipped) >= FIXED_ROOMS
    assert all((ROOT / room / "__init__.py").exists() for room in shipped)
