"""Which two letters name a country (ISO 3166-1), and which did somebody mean who wrote its name?"""

from pathlib import Path
from zoneinfo import TZPATH

from jarvis_lib.model.prose import nearest

CODES = frozenset(
    """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN
    CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM
    HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK
    ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW
    SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI
    VN VU WF WS YE YT ZA ZM ZW
    """.split()  # noqa: SIM905  # five lines can be read, two hundred and fifty cannot
)


def named_country(word: str) -> str:
    """The code that `word` probably means: in the wrong case, a common other code, or a name in English; empty when nothing is near."""
    if word.upper() in CODES:
        return word.upper()
    if word.upper() in _OTHER:
        return _OTHER[word.upper()]
    names = _names()
    near = nearest(word, names)
    return names[near] if near else ""


_OTHER = {"UK": "GB", "USA": "US", "UAE": "AE", "ENGLAND": "GB", "GREAT BRITAIN": "GB", "UNITED KINGDOM": "GB", "DEUTSCHLAND": "DE"}


def _names() -> dict[str, str]:
    """English name -> code, from the table that comes with the time zones; empty where there is none."""
    for folder in TZPATH:
        table = Path(folder) / "iso3166.tab"
        if table.is_file():
            lines = table.read_text(encoding="utf-8").splitlines()
            return {name: code for code, _, name in (line.partition("\t") for line in lines if not line.startswith("#"))}
    return {}
