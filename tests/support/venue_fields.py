"""Write venues/fields.json: the fields in recordings, and the fields that adapters read."""

import json
from pathlib import Path

from tests.support import recorded
from tests.support.adapter_reads import read_names
from venues import facts, known_fields, registry

PATH = Path(known_fields.__file__).with_name("fields.json")


def text() -> str:
    """What the file must hold."""
    found = known_fields.fields_of(
        (one, adapter.parse(one, facts.bundled()))
        for one in recorded.snapshots()
        if (adapter := registry.find_adapter(one.venue)) is not None
    )
    read = {adapter.venue: sorted(read_names(adapter.venue)) for adapter in registry.VENUES}
    return json.dumps({"read": read, "recorded": found}, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
