"""The API as an OpenAPI document, committed as `openapi.json` so that a change of it shows in a diff.

`python -m service.openapi` writes it anew.
"""

import json
from pathlib import Path

from service.app import create_app
from service.settings import Settings

PATH = Path(__file__).with_name("openapi.json")


def document() -> str:
    """Return the document of an app with default settings, as it is committed."""
    app = create_app(Settings.model_construct(**{name: field.default for name, field in Settings.model_fields.items()}))
    return json.dumps(app.openapi(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    PATH.write_text(document(), encoding="utf-8")
