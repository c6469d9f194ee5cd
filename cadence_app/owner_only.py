"""Files that only their owner reads: exports, texts' files, Redis's dumps, mails, logs, keys.

Every program of Cadence begins with close_umask(), and what it starts inherits that; what an older Cadence
left open is narrowed at each start.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

UMASK = 0o077
_OTHERS = 0o077
# A folder that others may pass through, and not list. As root PostgreSQL runs as a user of its own, who has
# to reach its folder below ours.
_PASSING = 0o011


def close_umask() -> None:
    """From now on nothing that this process or a child of it makes is open to the group or to others."""
    os.umask(UMASK)


def narrow(folder: Path) -> list[Path]:
    """Takes from the group and from others what they may do with a folder of Cadence's and all in it. Links
    are left alone, and so is what belongs to somebody else unless we are root. Returns what stays open
    because the file system does not let it be changed, such as a key that is mounted to be read only."""
    if not folder.is_dir():
        return []
    passing = _PASSING if os.geteuid() == 0 else 0
    left = [] if _take(folder, passing) else [folder]
    for name, folders, files in os.walk(folder):
        paths = (Path(name) / each for each in (*folders, *files))
        left += [path for path in paths if not _take(path, 0)]
    return left


def _take(path: Path, kept: int) -> bool:
    """Whether nothing is left to take."""
    try:
        found = path.lstat()
        kind = stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)
        mode = stat.S_IMODE(found.st_mode)
        if kind and mode & _OTHERS & ~kept and os.geteuid() in (0, found.st_uid):
            os.chmod(path, mode & ~(_OTHERS & ~kept))
    except FileNotFoundError:
        # A file of a running engine that went meanwhile.
        return True
    except OSError:
        return False
    return True
