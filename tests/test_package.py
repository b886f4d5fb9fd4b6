"""The wheel as it is built: everything that the rooms need, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("cypher", "evolution", "graph", "insight", "ledger", "pricing", "resolvers", "schema", "server")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [Path(sys.executable).with_name("hatchling"), "build", "--target", "wheel", "--directory", folder],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_every_file_of_the_rooms(wheel: Path) -> None:
    listing = subprocess.run(
        ["git", "ls-files", "--", *ROOMS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    tracked = {name for name in listing if (ROOT / name).is_file()}
    shipped = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert len(tracked) > len(ROOMS)
    assert not tracked - shipped
    assert {name.split("/")[0] for name in shipped} == set(ROOMS)


def test_the_unpacked_wheel_finds_its_query_texts(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import cypher; "
        "queries = cypher.all_queries(); assert all(query.text for query in queries); "
        "print(cypher.__file__, len(queries))"
    )
    run = subprocess.run(
        [sys.executable, "-I", "-c", program, tmp_path],
        capture_output=True,
        text=True,
        check=True,
    )
    file, count = run.stdout.split()
    assert Path(file).is_relative_to(tmp_path)
    assert int(count) > 0


def test_the_command_is_an_entry_point_and_the_licence_ships(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    metadata = {Path(name).name: name for name in archive.namelist() if ".dist-info/" in name}
    assert "costgraph = server.cli:main" in archive.read(metadata["entry_points.txt"]).decode()
    assert "LICENSE" in metadata
