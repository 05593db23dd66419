"""Dates as formats write them -> an ISO 8601 day."""

import re
from datetime import datetime
from email.utils import parsedate_to_datetime

_DAY = re.compile(r"\s*(\d{4})[-/.]?(\d{2})[-/.]?(\d{2})(?!\d)")
_WORDED = ("%d %B %Y", "%B %d, %Y", "%d %b %Y", "%b %d, %Y", "%B %d %Y")


def iso_day(value: object) -> str | None:
    """Return the day that a value names; None where it names none, or leaves open which number is the month."""
    text = str(value or "").strip()
    if found := _DAY.match(text):
        try:
            return datetime(int(found[1]), int(found[2]), int(found[3])).date().isoformat()
        except ValueError:
            return None
    for pattern in _WORDED:
        try:
            return datetime.strptime(text, pattern).date().isoformat()
        except ValueError:
            continue
    try:
        return parsedate_to_datetime(text).date().isoformat()  # RFC 2822, as feeds write it
    except (ValueError, TypeError, IndexError):
        return None
