"""Modules of ours as programs of their own, whatever else the user's folder holds."""

import os
import sys
from pathlib import Path

_ROOT = str(Path(__file__).parent.parent)


def own_program(module: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """Return the command that runs a module in another process, and its environment.

    `python -m` looks in the working folder first, and a `model.py` or `service.py` there is not ours: hence `-P`, and
    our root at the head of PYTHONPATH, where the modules are found without being installed too.
    """
    paths = os.pathsep.join(filter(None, [_ROOT, os.environ.get("PYTHONPATH", "")]))
    return [sys.executable, "-P", "-m", module, *arguments], {**os.environ, "PYTHONPATH": paths}
