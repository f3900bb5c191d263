"""Errors in the shapes Kasten gives them: message and cause, the cause often JSON in a string, several levels deep."""

import json
from typing import Any


class ActionFailed(Exception):
    """words: from the outermost message to the innermost."""

    def __init__(self, *words: str) -> None:
        super().__init__(": ".join(words))
        self.words = words


def as_status(words: tuple[str, ...], *, shape: str) -> Any:
    """status.error for these messages. The shape with fields and Err is what Kasten showed in a public report
    (kanisterio/kanister issue 1422); file and line are left out, there is none of Kasten here."""
    if shape == "string":
        return ": ".join(words)
    nested: dict[str, Any] = {"message": words[-1]}
    for position, message in enumerate(reversed(words[1:-1])):
        nested = {"message": message, "function": "stand-in", "linenumber": 0, "cause": nested}
        if position == 0:
            nested = {"message": "Failure in sub-phases", "fields": [{"name": "FailedSubPhases",
                                                                      "value": [{"Err": nested, "ID": "stand-in"}]}]}
    if len(words) == 1:
        return {"message": words[0], "cause": ""}
    return {"message": words[0], "cause": nested if shape == "object" else json.dumps(nested)}
