"""Rules for passwords. Hashing them is the business of `auth`: it takes longer than a transaction should."""

from shop_graphql.errors import Path
from shop_graphql.services.rules import Rules

MIN_LENGTH = 8
MAX_LENGTH = 256
_COMMON = (
    "password passw0rd password1 password123 12345678 123456789 1234567890 qwertyui qwertyuiop iloveyou sunshine "
    "princess football baseball superman trustno1 letmein1 welcome1 administrator changeme"
)
COMMON = frozenset(_COMMON.split())


def judge_password(rules: Rules, password: str, path: Path) -> None:
    """Require a password that is neither short nor among those that everybody tries; length beats composition.

    After NIST SP 800-63B: no rules about kinds of characters.
    """
    length = len(password)
    sound = MIN_LENGTH <= length <= MAX_LENGTH
    rules.require(sound, path, f"This has {length} characters; {MIN_LENGTH} to {MAX_LENGTH} are allowed.")
    rules.require(password.lower() not in COMMON and len(set(password)) > 2, path, "This password is easily guessed.")
    rules.require(_is_text(password), path, "This must not contain broken Unicode.")


def is_sound(password: str) -> bool:
    """Tell whether a password keeps the rules."""
    rules = Rules()
    judge_password(rules, password, ())
    return not rules.issues


def _is_text(password: str) -> bool:
    try:
        password.encode()
    except UnicodeEncodeError:
        return False
    return True
