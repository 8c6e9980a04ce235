"""Numbers that can check themselves: cards, bank accounts, national ids.

All take plain digits or letters without separators, and cost a few microseconds.
"""

from collections.abc import Callable

_LUHN_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")
_IBANS = (
    "AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BI:27 BR:29 BY:28 CH:21 CR:22 CY:28 CZ:24 DE:22 DJ:27 DK:18 "
    "DO:28 EE:20 EG:29 ES:24 FI:18 FK:18 FO:18 FR:27 GB:22 GE:22 GI:23 GL:18 GR:27 GT:28 HR:21 HU:28 IE:22 IL:23 IQ:23 "
    "IS:26 IT:27 JO:30 KW:30 KZ:20 LB:28 LC:32 LI:21 LT:20 LU:20 LV:21 LY:25 MC:27 MD:24 ME:22 MK:19 MN:20 MR:27 MT:31 "
    "MU:30 NI:28 NL:18 NO:15 OM:23 PK:24 PL:28 PS:29 PT:25 QA:29 RO:24 RS:22 RU:33 SA:24 SC:31 SD:18 SE:24 SI:19 SK:24 "
    "SM:27 SO:23 ST:25 SV:28 TL:23 TN:24 TR:26 UA:29 VA:22 VG:24 XK:20 YE:30"
)
IBAN_LENGTHS = {pair[:2]: int(pair[3:]) for pair in _IBANS.split()}
"""Country code to length (source: SWIFT IBAN registry, release 99)."""
_VERHOEFF_PRODUCT = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_VERHOEFF_SHIFT = (
    "0123456789", "1576283094", "5803796142", "8916043527",
    "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip
_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_HETU_LETTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_FISCAL_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)
_CURP_ORDER = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"


def luhn(digits: str) -> bool:
    """The check of cards (ISO/IEC 7812-1)."""
    codes = digits.encode("ascii")
    return (sum(codes[-1::-2]) + sum(codes[-2::-2].translate(_LUHN_DOUBLED)) - ord("0") * len(codes)) % 10 == 0


def is_card(digits: str) -> bool:
    """Whether ``digits`` may be a payment card: a network's prefix and length, and Luhn."""
    return _network_issues(digits) and len(set(digits)) > 1 and luhn(digits)


def _network_issues(digits: str) -> bool:
    two, four, length = int(digits[:2]), int(digits[:4]), len(digits)
    if length == 16:
        return (
            40 <= two <= 49 or 51 <= two <= 55 or 2221 <= four <= 2720  # Visa, Mastercard
            or four == 6011 or 644 <= four // 10 <= 659 or two in (62, 81) or 3528 <= four <= 3589  # Discover, UnionPay, JCB
            or two in (50, 56, 57, 58, 60, 63, 67) or 2200 <= four <= 2204 or four == 9792  # Maestro, RuPay, Mir, Troy
        )  # fmt: skip
    if length == 15:
        return two in (34, 37)  # American Express
    if length == 14:
        return 300 <= four // 10 <= 305 or two in (36, 38, 39)  # Diners Club
    return length in (18, 19) and (two in (62, 63, 67) or (length == 19 and 40 <= two <= 49))


def is_iban(text: str) -> bool:
    """ISO 13616: a country's length, and 1 modulo 97. ``text`` in upper case."""
    if IBAN_LENGTHS.get(text[:2]) != len(text):
        return False
    return int("".join(str(int(letter, 36)) for letter in text[4:] + text[:4])) % 97 == 1


def _weighted(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def _is_date(month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= 31


def is_us_ssn(digits: str) -> bool:
    """Social Security number: no area 000, 666 or 900 up, no group 00, no serial 0000."""
    return digits[:3] not in ("000", "666") and digits[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000"


def is_uk_nino(text: str) -> bool:
    """National Insurance number: never-issued prefixes are out."""
    return text[0] not in "DFIQUV" and text[1] not in "DFIOQUV" and text[:2] not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")


def is_spanish_dni(text: str) -> bool:
    """DNI and NIE: the letter is the number modulo 23."""
    number = text[:-1].translate(str.maketrans("XYZ", "012"))
    return _DNI_LETTERS[int(number) % 23] == text[-1]


def is_italian_fiscal_code(text: str) -> bool:
    """Codice fiscale: the 16th character sums the others."""
    odd = sum(_FISCAL_ODD[letter] for letter in text[0:15:2])
    even = sum(int(letter) if letter.isdigit() else ord(letter) - ord("A") for letter in text[1:15:2])
    return chr(ord("A") + (odd + even) % 26) == text[15]


def is_french_nir(digits: str) -> bool:
    """Numéro de sécurité sociale: sex, month, and a key of 97 less the number modulo 97."""
    month = int(digits[3:5])
    return digits[0] in "12" and (1 <= month <= 12 or 20 <= month <= 42) and 97 - int(digits[:13]) % 97 == int(digits[13:])


def is_german_tax_id(digits: str) -> bool:
    """Steuer-ID: ISO 7064 mod 11,10, one digit of the first ten repeated."""
    repeats = sorted(digits[:10].count(digit) for digit in set(digits[:10]))
    if digits[0] == "0" or repeats[-1] not in (2, 3) or (len(repeats) > 1 and repeats[-2] > 1):
        return False
    product = 10
    for digit in digits[:10]:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def is_brazilian_cpf(digits: str) -> bool:
    """CPF: two check digits modulo 11; not all the same."""
    first = _weighted(digits[:9], tuple(range(10, 1, -1))) * 10 % 11 % 10
    second = _weighted(digits[:10], tuple(range(11, 1, -1))) * 10 % 11 % 10
    return len(set(digits)) > 1 and digits[9:] == f"{first}{second}"


def is_polish_pesel(digits: str) -> bool:
    """PESEL: a birth date with the century in the month, and a weighted check digit."""
    month = int(digits[2:4]) % 20
    check = (10 - _weighted(digits[:10], (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10) % 10
    return _is_date(month, int(digits[4:6])) and check == int(digits[10])


def is_turkish_id(digits: str) -> bool:
    """T.C. kimlik no: two check digits; never begins with 0."""
    odd, even = (sum(int(digit) for digit in digits[start:9:2]) for start in (0, 1))
    tenth = (odd * 7 - even) % 10
    return digits[0] != "0" and tenth == int(digits[9]) and (odd + even + tenth) % 10 == int(digits[10])


def is_swedish_id(digits: str) -> bool:
    """Personnummer of 10 digits: a birth date (day + 60 for coordination numbers) and Luhn."""
    return _is_date(int(digits[2:4]), int(digits[4:6]) % 60) and luhn(digits)


def is_finnish_id(text: str) -> bool:
    """Henkilötunnus ``ddmmyyCnnnX``: the last character is the number modulo 31."""
    digits = text[:6] + text[7:10]
    return _is_date(int(text[2:4]), int(text[:2])) and _HETU_LETTERS[int(digits) % 31] == text[10]


def is_belgian_id(digits: str) -> bool:
    """Rijksregisternummer: 97 less the number modulo 97, a 2 put before it for births from 2000."""
    number, check = digits[:9], int(digits[9:])
    return any(97 - int(prefix + number) % 97 == check for prefix in ("", "2"))


def is_dutch_bsn(digits: str) -> bool:
    """BSN: the elevenfold test. Weak: only ask where a name for it stands by."""
    return len(set(digits)) > 1 and _weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def is_aadhaar(digits: str) -> bool:
    """Aadhaar: Verhoeff, never beginning with 0 or 1."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = int(_VERHOEFF_PRODUCT[check][int(_VERHOEFF_SHIFT[place % 8][int(digit)])])
    return check == 0 and digits[0] not in "01"


def is_canadian_sin(digits: str) -> bool:
    """Social Insurance Number: Luhn, never beginning with 0 or 8."""
    return digits[0] not in "08" and luhn(digits)


def is_chinese_id(text: str) -> bool:
    """Resident identity number: a birth date and ISO 7064 mod 11-2."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    born = _is_date(int(text[10:12]), int(text[12:14])) and text[6:8] in ("19", "20")
    return born and "10X98765432"[_weighted(text[:17], weights) % 11] == text[17]


def is_korean_id(digits: str) -> bool:
    """Resident registration number: a birth date and a weighted check digit (issued until 2020)."""
    check = (11 - _weighted(digits[:12], (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11) % 10
    return _is_date(int(digits[2:4]), int(digits[4:6])) and check == int(digits[12])


def is_mexican_curp(text: str) -> bool:
    """CURP: a birth date and a weighted check digit."""
    total = sum(_CURP_ORDER.index(letter) * (18 - place) for place, letter in enumerate(text[:17]))
    return _is_date(int(text[6:8]), int(text[8:10])) and (10 - total % 10) % 10 == int(text[17])


ELEVEN_DIGIT_IDS: tuple[Callable[[str], bool], ...] = (is_german_tax_id, is_brazilian_cpf, is_polish_pesel, is_turkish_id)
"""Ids written as 11 plain digits."""
