"""What root must do for PostgreSQL, which refuses to run as root. Does nothing for everybody else."""

import os
import pwd
from pathlib import Path
from typing import TypedDict

from shop_graphql.errors import StartupError


class Account(TypedDict, total=False):
    """Whom a program runs as: arguments of subprocess.Popen, none for the present user."""

    user: int
    group: int
    extra_groups: list[int]


def owner(path: Path) -> Account:
    """Return the account that owns `path` when this process is root, else the present one."""
    if not _is_root():
        return {}
    status = path.stat()
    return {"user": status.st_uid, "group": status.st_gid, "extra_groups": []}


def give_away(folder: Path) -> None:
    """Let PostgreSQL own `folder`: whoever owns the folder above it, or `nobody` when that is root."""
    if not _is_root():
        return
    account = _unprivileged(folder.parent.stat().st_uid)
    os.chown(folder, account.pw_uid, account.pw_gid)
    open_way(folder)


def open_way(path: Path) -> None:
    """Let everybody pass through the folders above `path`."""
    if not _is_root():
        return
    for folder in path.resolve().parents:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o001)


def open_tree(tree: Path) -> None:
    """Let everybody read `tree`, if it exists, and pass through the folders above it."""
    if not _is_root() or not tree.exists():
        return
    open_way(tree)
    if tree.stat().st_mode & 0o005 == 0o005:
        return
    # The tree itself comes last, so that an interrupted walk is begun again.
    for path in (*tree.rglob("*"), tree):
        mode = path.stat().st_mode
        path.chmod(mode | 0o004 | (mode & 0o100) >> 6)


def _is_root() -> bool:
    return os.geteuid() == 0


def _unprivileged(uid: int) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(uid) if uid else pwd.getpwnam("nobody")
    except KeyError:
        raise StartupError("PostgreSQL refuses to run as root; start this as another user.") from None
