"""Which days are public holidays where the person lives? Asked once for three years; the store keeps the answer."""

from dataclasses import dataclass

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import hint, nearest


@dataclass(frozen=True, slots=True)
class DaysOff:
    """Days as `2026-12-25` with the name of each."""

    days: tuple[str, ...]
    names: tuple[str, ...]


def read_days_off(country: str, subdivision: str, first_year: int, last_year: int) -> DaysOff:
    """The public holidays of these years. Raises Refused with the nearest right name for a subdivision that is not there."""
    import holidays

    known = holidays.list_supported_countries(include_aliases=True)
    if country not in known:
        raise Refused(f"[person] country: no holidays are known for {country!r}.{hint(country, known)}", code="usage")
    if subdivision and subdivision not in known[country]:
        named = {name: code for code, names in holidays.country_holidays(country).get_subdivision_aliases().items() for name in [code, *names]}
        near = nearest(subdivision, named)
        parts = [p for p in known[country] if len(p) <= 3] or list(known[country])
        names = f" It has {', '.join(parts[:60])}." if parts else " It has no parts with holidays of their own."
        raise Refused(f"[person] subdivision: {country} has no {subdivision!r}.{f' Did you mean {named[near]!r}?' if near else ''}{names}", code="usage")
    languages = holidays.list_localized_countries().get(country, [])
    language = "en_US" if "en_US" in languages else None
    found = holidays.country_holidays(country, subdiv=subdivision or None, years=range(first_year, last_year + 1), language=language)
    rows = sorted((day.isoformat(), str(name)) for day, name in found.items())
    return DaysOff(tuple(d for d, _ in rows), tuple(n for _, n in rows))
