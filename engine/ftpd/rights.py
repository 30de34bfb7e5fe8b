"""Who may do what, and where, over FTP (formats guide, sections 2, 3 and 7). Pure: paths are text, nothing is opened.

Every path here is relative to the root, with `/`, in the spelling that stands on the disk.
"""

from __future__ import annotations

import unicodedata
from enum import Enum
from fnmatch import fnmatchcase

from engine import naming
from engine.naming import ARCHIVES, COMMANDS, DEVICES, INBOX, LOG, SNAPSHOTS, TEMPLATES, USER, VPN

PART = ".part"
TOP_FOLDERS = (LOG, ARCHIVES)
MOST_LEVELS = 8
"""So deep may folders lie in the inbox: a region, a district and a house want three."""


class Role(Enum):
    """The three users of `[internal]` in `ftp.ini`."""

    USER = "User"
    READER = "ReadUser"
    INBOX = "InboxUser"


class Act(Enum):
    """What can be done with one path. A rename is RENAME of its source and STORE of its target."""

    SEE = "see"
    READ = "read"
    STORE = "store"
    DELETE = "delete"
    RENAME = "rename"
    MAKE_FOLDER = "make folder"
    REMOVE_FOLDER = "remove folder"


# `*` stands for a part of one name, `/**` at the end for everything below. Case does not count.
_CONFIGURATION = (
    naming.AGENT_INI, naming.FTP_INI, naming.SSMTP_CONF, naming.REVALIASES, naming.LCD_INFO,
    f"{DEVICES}/*.ini", f"{TEMPLATES}/*.ini", f"{COMMANDS}/*.txt", f"{VPN}/*",
)  # fmt: skip
_USER_FOLDERS = (LOG, USER, DEVICES, TEMPLATES, COMMANDS, VPN)
# A client may send a file under a name of its own first and rename it then, and keep a copy of what was.
_SIDE_SUFFIXES = (PART, ".filepart", ".partial", ".upload", ".new", ".tmp", ".bak")
_SIDE = tuple(f"{folder}/*{suffix}" for folder in _USER_FOLDERS for suffix in _SIDE_SUFFIXES)
_REFUSED = tuple(naming.refused_path(f"{folder}/*") for folder in _USER_FOLDERS)
_STORED = (*_CONFIGURATION, f"{USER}/ca.pem", *_SIDE, f"{INBOX}/**")
_DELETED = (*_STORED, *_REFUSED, f"{COMMANDS}/*.out", f"{SNAPSHOTS}/*.txt")

_RIGHTS: dict[Role, dict[Act, tuple[str, ...]]] = {
    Role.USER: {
        Act.SEE: ("", LOG, f"{LOG}/**", ARCHIVES, f"{ARCHIVES}/**"),
        Act.READ: (f"{LOG}/**", f"{ARCHIVES}/**"),
        Act.STORE: _STORED,
        Act.DELETE: _DELETED,
        Act.RENAME: _DELETED,
        Act.MAKE_FOLDER: (f"{INBOX}/**",),
        Act.REMOVE_FOLDER: (f"{INBOX}/**",),
    },
    Role.READER: {
        Act.SEE: ("", LOG, USER, SNAPSHOTS, f"{SNAPSHOTS}/**", ARCHIVES, f"{ARCHIVES}/**"),
        Act.READ: (f"{SNAPSHOTS}/**", f"{ARCHIVES}/**"),
    },
    Role.INBOX: {
        Act.SEE: ("", LOG, INBOX, f"{INBOX}/**"),
        Act.STORE: (f"{INBOX}/**",),
        Act.RENAME: (f"{INBOX}/**",),
        Act.MAKE_FOLDER: (f"{INBOX}/**",),
    },
}

# Found under any spelling (log/FTP, WWW, Log/user/TXT), written under this one.
_SPELLINGS = {
    path.casefold(): path.rpartition("/")[2]
    for path in (
        *_CONFIGURATION[:5], *TOP_FOLDERS, *naming.FOLDERS,
        naming.STATUS, naming.JOURNAL, naming.LCD_INFO_OLD, naming.USB_RULES,
    )
}  # fmt: skip
_EXTENSIONS = {
    folder.casefold(): extension
    for folder, extension in ((DEVICES, ".ini"), (TEMPLATES, ".ini"), (COMMANDS, ".txt"), (SNAPSHOTS, ".txt"))
}
_LINE_BREAKERS = {"Cc", "Zl", "Zp"}


def allowed(role: Role, act: Act, path: str) -> bool:
    """Whether this user may do this with this path; the root itself is the empty path."""
    return any(_matches(path, pattern) for pattern in _RIGHTS[role].get(act, ()))


def in_inbox(path: str) -> bool:
    """Whether a path lies in the folder for the drops of other agents."""
    return path.casefold().startswith(f"{INBOX}/".casefold())


def is_too_deep(folder: str) -> bool:
    """Whether a new folder of the inbox would lie deeper than anybody needs, to the harm of all who walk down there."""
    return folder.count("/") - INBOX.count("/") > MOST_LEVELS


def is_part(path: str) -> bool:
    """Whether a name is that of a drop still under way (section 7): only such a name may be written over."""
    return path.casefold().endswith(PART)


def visible_name(name: str) -> bool:
    """Whether a file of this name can be shown and asked for: no dot file, nothing that breaks a line or a path."""
    if not name or name.startswith(".") or "\\" in name or "/" in name:
        return False
    return not any(unicodedata.category(character) in _LINE_BREAKERS for character in name)


def storable_name(name: str) -> bool:
    """Whether a new file may get this name: visible, and every character of it is known."""
    return visible_name(name) and not any(unicodedata.category(character) == "Cs" for character in name)


def name_key(name: str) -> str:
    """What two names must share to be the same file: case and the way of composing letters do not count."""
    return unicodedata.normalize("NFC", name).casefold()


def from_wire(name: str) -> str:
    """A name as the client meant it: bytes that are no UTF-8 (held as surrogates) are read as cp1251."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return _from_cp1251(name)
    return unicodedata.normalize("NFC", name)


def spelling(folder: str, name: str) -> str:
    """The name that a new file or folder of this name gets in `folder`: known names have one spelling."""
    known = _SPELLINGS.get(f"{folder}/{name}".strip("/").casefold())
    if known is not None:
        return known
    extension = _EXTENSIONS.get(folder.casefold(), "")
    if extension and name.casefold().endswith(extension):
        return name[: -len(extension)] + extension
    return name


def _matches(path: str, pattern: str) -> bool:
    path, pattern = path.casefold(), pattern.casefold()
    if pattern.endswith("/**"):
        return path.startswith(pattern[:-2])
    folder, _, name = pattern.rpartition("/")
    path_folder, _, path_name = path.rpartition("/")
    return folder == path_folder and fnmatchcase(path_name, name)


def _from_cp1251(name: str) -> str:
    try:
        return name.encode("utf-8", "surrogateescape").decode("cp1251")
    except UnicodeError:
        return name
