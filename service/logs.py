"""Logs as one JSON object a line, or as text for people. Texts of requests are never in them."""

import json
import logging
import sys
from datetime import UTC, datetime

import orjson

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonFormatter(logging.Formatter):
    """A record as JSON: time, level, logger, message, and whatever `extra` held."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter.format`."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **{name: value for name, value in vars(record).items() if name not in _OWN},
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        try:
            return orjson.dumps(line, default=str).decode()
        except TypeError:  # half a surrogate pair in a path, or a number too large
            return json.dumps(line, default=str)


class TextFormatter(logging.Formatter):
    """A record as text, with the fields of `extra` behind it."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter.format`."""
        extra = " ".join(f"{name}={value}" for name, value in vars(record).items() if name not in _OWN)
        return f"{super().format(record)} {extra}".rstrip()


def set_up(form: str) -> None:
    """Send all logs to standard error.

    Args:
        form: `json` or `text`.
    """
    # What no formatter here shows need not be found out for each line (the manual of `logging`, "Optimization").
    logging._srcfile = None
    for name in ("logThreads", "logMultiprocessing", "logProcesses", "logAsyncioTasks"):
        setattr(logging, name, False)
    handler = logging.StreamHandler(sys.stderr)
    plain = TextFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JsonFormatter() if form == "json" else plain)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)
