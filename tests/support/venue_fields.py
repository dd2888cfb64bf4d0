"""Write venues/fields.json: the fields that rows of margins had in the recordings."""

import json
from pathlib import Path

from tests.support import recorded
from venues import facts, known_fields, registry

PATH = Path(known_fields.__file__).with_name("fields.json")


def text() -> str:
    """What the file must hold."""
    found = known_fields.fields_of(
        (one, adapter.parse(one, facts.bundled()))
        for one in recorded.snapshots()
        if (adapter := registry.find_adapter(one.venue)) is not None
    )
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
