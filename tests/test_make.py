"""`make` sets itself up on a machine that has Python and nothing else, and says what is missing."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAKEFILE = ROOT / "Makefile"

OLD = '#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit\nexit 1\n'
BARE = '#!/bin/sh\ncase "$*" in *ensurepip*) exit 1;; esac\n'
GOOD = """#!/bin/sh
echo "$(basename "$0") $*" >> calls
case "$*" in
*"-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python;;
*"print(open"*) cat .venv/installed;;
esac
"""


class Checkout:
    """A checkout with a PATH of its own, on which only what a test puts there can be found."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()
        for tool in ("cat", "cp", "mkdir", "basename", "awk"):
            (self.bin / tool).symlink_to(shutil.which(tool) or tool)
        for file in ("Makefile", "requirements.lock", "pyproject.toml"):
            shutil.copy(ROOT / file, folder / file)

    def python(self, name: str, script: str) -> None:
        """Put a Python on the PATH."""
        (self.bin / name).write_text(script)
        (self.bin / name).chmod(0o755)

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run make with nothing else in the environment."""
        command = [shutil.which("make") or "make", *arguments]
        path = {"PATH": str(self.bin)}
        return subprocess.run(command, cwd=self.folder, env=path, capture_output=True, text=True, check=False)

    def calls(self) -> list[str]:
        """Return the calls of every good Python since the last time, and forget them."""
        file = self.folder / "calls"
        calls = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return [call for call in calls if " -m " in call]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def complaint(run: subprocess.CompletedProcess[str]) -> str:
    assert run.returncode != 0
    sentence, by_make = run.stderr.splitlines()
    assert by_make.startswith("make: ***")
    return sentence


def test_without_python_make_says_so(checkout: Checkout) -> None:
    assert complaint(checkout.make("demo")) == (
        "Python 3.11 or newer is needed, and there is none: install it, or name it with make PYTHON=/path/to/python"
    )


def test_make_says_that_a_python_is_too_old(checkout: Checkout) -> None:
    checkout.python("python3", OLD)
    assert complaint(checkout.make("demo")) == (
        "Python 3.11 or newer is needed, and python3 is Python 3.9.2: "
        "install it, or name it with make PYTHON=/path/to/python"
    )


def test_make_says_that_a_python_cannot_make_virtual_environments(checkout: Checkout) -> None:
    checkout.python("python3", BARE)
    assert complaint(checkout.make("test")) == (
        "python3 cannot make a virtual environment: install that part of it "
        "(on Debian and Ubuntu: apt install python3-venv)"
    )


def test_make_installs_what_is_pinned_with_the_first_python_that_is_new_enough(checkout: Checkout) -> None:
    checkout.python("python3", OLD)
    checkout.python("python3.12", GOOD)
    run = checkout.make("demo")
    assert run.returncode == 0, run.stderr
    pip = "python -m pip --disable-pip-version-check install --quiet --no-deps"
    assert checkout.calls() == [
        "python3.12 -m venv --clear .venv",
        f"{pip} --require-hashes --requirement requirements.lock",
        f"{pip} --no-build-isolation --editable .",
        "python -m shop_graphql demo",
    ]


def test_make_uses_the_python_that_it_is_told_to(checkout: Checkout) -> None:
    checkout.python("python3", GOOD)
    checkout.python("other", GOOD)
    checkout.make("install", "PYTHON=other")
    assert checkout.calls()[0] == "other -m venv --clear .venv"


def test_make_installs_again_only_when_the_dependencies_changed(checkout: Checkout) -> None:
    checkout.python("python3", GOOD)
    checkout.make("install")
    checkout.calls()
    checkout.make("install")
    assert checkout.calls() == []
    (checkout.folder / "requirements.lock").touch()
    checkout.make("install")
    assert [call for call in checkout.calls() if "requirements.lock" in call]


def test_make_installs_again_in_a_folder_that_was_moved(checkout: Checkout) -> None:
    checkout.python("python3", GOOD)
    checkout.make("install")
    checkout.calls()
    (checkout.folder / ".venv" / "installed").write_text("/somewhere/else\n")
    checkout.make("install")
    assert [call for call in checkout.calls() if "--editable ." in call]


def test_make_alone_explains_every_target(checkout: Checkout) -> None:
    targets = " ".join(re.findall(r"^\.PHONY: (\w.*)$", MAKEFILE.read_text(), re.MULTILINE))
    explained = re.findall(r"^  make ([\w-]+) ", checkout.make().stdout, re.MULTILINE)
    assert "help" in explained
    assert sorted(explained) == sorted(targets.split())


def test_every_dependency_is_pinned_with_a_hash_and_without_an_address() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    wanted += project["build-system"]["requires"]
    lock = (ROOT / "requirements.lock").read_text()
    pinned = dict(re.findall(r"^([a-z0-9-]+)==\S+ .*\\\n    --hash=(sha256):", lock, re.MULTILINE))
    assert {re.split(r"[\[>=]", requirement)[0] for requirement in wanted} - set(pinned) == set()
    assert "://" not in lock
