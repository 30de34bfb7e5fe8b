"""Why the system did not do something with a file or a connection, in the user's words."""

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
    errno.EUCLEAN: "файловая система диска повреждена",
    errno.ESTALE: "диск отключён",
    errno.ENOMEDIUM: "диск отключён",
    errno.ENODEV: "устройства нет",
    errno.ENXIO: "устройства нет",
    errno.ENOTDIR: "на месте папки стоит файл",
    errno.EEXIST: "на месте папки стоит файл",
    errno.EISDIR: "на месте файла стоит папка",
    errno.ENOTEMPTY: "папка не пуста",
    errno.ENAMETOOLONG: "имя слишком длинное",
    errno.EILSEQ: "такое имя на этом диске невозможно",
    errno.EXDEV: "это другой диск",
    errno.EBUSY: "занято другой программой",
    errno.ETXTBSY: "занято другой программой",
    errno.EAGAIN: "занято другой программой",
    errno.ENOLCK: "диск не умеет того, что нужно",
    errno.ENOSYS: "диск не умеет того, что нужно",
    errno.EOPNOTSUPP: "диск не умеет того, что нужно",
    errno.EMFILE: "открыто слишком много файлов и соединений",
    errno.ENFILE: "открыто слишком много файлов и соединений",
    errno.ENOMEM: "не хватает памяти",
    errno.ENOBUFS: "не хватает памяти",
    errno.EADDRINUSE: "порт занят другой программой",
    errno.EADDRNOTAVAIL: "такого адреса у этого устройства нет",
    errno.EAFNOSUPPORT: "адреса такого вида здесь не действуют",
    errno.ENETDOWN: "сеть отключена",
    errno.ENETUNREACH: "сеть недоступна",
    errno.EHOSTUNREACH: "другая сторона недоступна",
    errno.EHOSTDOWN: "другая сторона недоступна",
    errno.ECONNREFUSED: "другая сторона не принимает соединение",
    errno.ECONNRESET: "соединение разорвано",
    errno.ECONNABORTED: "соединение разорвано",
    errno.ENETRESET: "соединение разорвано",
    errno.EPIPE: "соединение разорвано",
    errno.ENOTCONN: "соединение разорвано",
    errno.ETIMEDOUT: "нет ответа",
}

_NAME_LOOKUP = {
    -2: "имя не найдено",
    -3: "имя сейчас не найти: нет ответа от службы имён (DNS)",
    -4: "имя не найти: отказ службы имён (DNS)",
    -5: "у этого имени нет адреса",
    -6: "адреса такого вида здесь не действуют",
    -9: "у этого имени нет такого адреса",
    -10: "не хватает памяти",
}
"""`EAI_…` of netdb.h, the numbers of `socket.gaierror`: below zero, where no errno is."""

_CERTIFICATE, _ENCRYPTION = "сертификату другой стороны нельзя верить", "шифрование не удалось"


def why(error: OSError) -> str:
    """The reason alone, without the path: it may be shown to anybody."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "SSLError" in kinds:  # its numbers are OpenSSL's: 1 is no EPERM
        return _CERTIFICATE if "SSLCertVerificationError" in kinds else _ENCRYPTION
    code = error.errno or (errno.ETIMEDOUT if isinstance(error, TimeoutError) else 0)
    if code in _WHY or code in _NAME_LOOKUP:
        return _WHY.get(code) or _NAME_LOOKUP[code]
    return f"ошибка {errno.errorcode.get(code, code or type(error).__name__)}"
