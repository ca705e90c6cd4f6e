"""Finding the word an author meant."""

from collections.abc import Iterable


def nearest(wrong: str, known: Iterable[str]) -> str | None:
    """The known word most like a mistyped one, or `None` when nothing is close enough to be meant."""
    # Imported here: most processes never mistype anything, and every worker pays for what it imports.
    from difflib import get_close_matches

    matches = get_close_matches(wrong, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """The end of an error message: `; did you mean `x`?`, or nothing."""
    word = nearest(wrong, known)
    return f"; did you mean `{word}`?" if word else ""
