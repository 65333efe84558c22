"""Russian texts of messages, keyed by their English templates."""

RUSSIAN: dict[str, str] = {}
