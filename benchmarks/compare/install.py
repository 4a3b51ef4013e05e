"""What the benchmark is made of, installed into its scratch folder: once, and again when what is pinned changes."""

import hashlib
import os
import platform
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.compare.catalogue import PEERS, Server
from benchmarks.compare.folders import LOGS, NODE, NPM, VENV, WORK
from benchmarks.compare.processes import run
from shop_graphql.errors import StartupError

NODE_MAJOR = 24
PINS = (".npmrc", "package.json", "package-lock.json")
NPM_INSTALL = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


def require(servers: list[Server], say: Callable[[str], None]) -> None:
    """Install what the load generator and these servers need. Raises StartupError."""
    _require_linux()
    _require_wrk(say)
    suffixes = {Path(server.program).suffix for server in servers}
    if ".mjs" in suffixes:
        _once(NODE, f"node {NODE_MAJOR}", lambda: _install_node(say))
        pins = "".join((PEERS / name).read_text() for name in (*PINS, "shop.prisma"))
        _once(NPM, pins, lambda: _install_npm(say))
        for path in (*PEERS.glob("*.mjs"), PEERS / "shop.graphql"):  # Node looks for packages beside the program
            shutil.copy(path, NPM / path.name)
    if ".py" in suffixes:
        pins = (PEERS / "requirements.lock").read_text() + sys.version
        _once(VENV, pins, lambda: _install_python(say))


def node() -> Path:
    """Return the Node that runs every peer of that kind."""
    return NODE / "node_modules" / _node_package() / "bin" / "node"


def python() -> Path:
    """Return the Python that runs every peer of that kind."""
    return VENV / "bin" / "python"


def _require_linux() -> None:
    if sys.platform != "linux":
        raise StartupError("The benchmark reads processor times out of /proc, which only Linux has.")


def _require_wrk(say: Callable[[str], None]) -> None:
    if shutil.which("wrk"):
        return
    if os.geteuid() or not shutil.which("apt-get"):
        raise StartupError("The load generator wrk is missing: install it (on Debian and Ubuntu: apt install wrk).")
    say("Installing wrk")
    run(["apt-get", "update", "-qq"], "apt-get update")
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "install", "-y", "-qq", "wrk"], "apt-get install wrk", env=env)


def _node_package() -> str:
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine())
    if machine is None:
        raise StartupError(f"There is no Node for {platform.machine()}; leave its servers out with --servers.")
    return f"node-linux-{machine}"


def _install_node(say: Callable[[str], None]) -> None:
    say(f"Installing Node {NODE_MAJOR}")
    package = f"{_node_package()}@{NODE_MAJOR}"
    run([_npm(), "install", "--no-save", "--no-package-lock", *NPM_INSTALL, package], "npm install", cwd=NODE)


def _install_npm(say: Callable[[str], None]) -> None:
    say("Installing the peers written in JavaScript, which takes a minute the first time")
    for name in (*PINS, "shop.prisma"):
        shutil.copy(PEERS / name, NPM / name)
    run([_npm(), "ci", *NPM_INSTALL], "npm ci", cwd=NPM)
    # The client is generated without the engine that migrates, which Prisma would download.
    env = os.environ | {"PRISMA_SCHEMA_ENGINE_BINARY": "/bin/true", "CHECKPOINT_DISABLE": "1"}
    prisma: list[str | Path] = [node(), "node_modules/prisma/build/index.js", "generate", "--schema", "shop.prisma"]
    run(prisma, "prisma generate", env=env | {"PRISMA_HIDE_UPDATE_MESSAGE": "1"}, cwd=NPM)


def _install_python(say: Callable[[str], None]) -> None:
    say("Installing the peers written in Python")
    run([sys.executable, "-m", "venv", "--clear", VENV], "Making a virtual environment")
    pip: list[str | Path] = [python(), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
    run([*pip, "--require-hashes", "--requirement", PEERS / "requirements.lock"], "pip install")


def _npm() -> str:
    npm = shutil.which("npm")
    if npm is None:
        raise StartupError("npm is missing, which installs some peers: install it, or leave them out with --servers.")
    return npm


def _once(folder: Path, pins: str, install: Callable[[], None]) -> None:
    """Run `install` in `folder` unless it has been run there to its end for the same pins."""
    stamp, digest = WORK / f"{folder.name}.installed", hashlib.sha256(pins.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    stamp.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    for path in (folder, LOGS):
        path.mkdir(parents=True, exist_ok=True)
    install()
    stamp.write_text(digest)
