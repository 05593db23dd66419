"""The line before a CSV's header by which a spreadsheet is told what stands between its columns."""

import re

_LINE = re.compile(r"""["']?sep=([^"'\w\r\n])["']?[,;\s]*""", re.IGNORECASE)


def told_delimiter(line: str) -> str | None:
    """Return the delimiter that a first line such as `sep=;` tells, which is no row of the table; else None."""
    told = _LINE.fullmatch(line)
    return told[1] if told else None
