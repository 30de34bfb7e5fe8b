"""Why the system did not do something with a file, in the user's words."""

from __future__ import annotations

import errno

_WHY = {
    errno.EFBIG: "файл слишком велик",
    errno.EINVAL: "это не обычный файл",
    errno.ELOOP: "ссылка ведёт за пределы log/ и не читается",
    errno.ENOENT: "файла нет",
    errno.EACCES: "нет прав",
    errno.EPERM: "нет прав",
    errno.ENOSPC: "нет места на диске",
    errno.EDQUOT: "нет места на диске",
    errno.EROFS: "диск только для чтения",
    errno.EIO: "ошибка диска",
    errno.ENOTDIR: "на месте папки стоит файл",
    errno.EEXIST: "на месте папки стоит файл",
    errno.EISDIR: "на месте файла стоит папка",
}


def why(error: OSError) -> str:
    """The reason alone, without the path: it may be shown to anybody."""
    code = error.errno or 0
    return _WHY.get(code, f"ошибка {errno.errorcode.get(code, code)}")
