"""How single venues page, pick and list their recordings; the others answer as recorded."""
