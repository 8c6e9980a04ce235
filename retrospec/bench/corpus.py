"""A labelled corpus for redaction: secrets of every kind in the places they turn up, and harmless look-alikes.

Made by a seeded generator: every number has its true check digits, none belongs to anyone, and nothing
secret-looking needs to be stored in the repository.
"""

import base64
import json
import random
import string
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec

from retrospec.capture import checkdigits
from retrospec.capture.redaction import Kind

_ALNUM = string.ascii_letters + string.digits
_HEX = "0123456789abcdef"
_NAMES = ["jane", "john", "maria", "li.wei", "o.brien", "søren", "amélie", "kenji", "fatima", "olga"]
_DOMAINS = ["example.com", "mail.example.org", "shop.example.co.uk", "firma.example", "beispiel-versand.example"]
_WORDS = ["the", "order", "was", "sent", "to", "your", "address", "and", "will", "arrive", "soon", "please", "check", "cart", "total", "wood", "steel", "table", "lamp", "size", "colour"]


HOSTILE = (
    "1234567890", "4111 ", "1 ", "a@b.co ", "a@b.", 'password="', "password=x&", "token=", "/a:", "://a:b", "eyJhbGci.", "phone: ", "+1 (2",
    "-----BEGIN PRIVATE KEY-----", "DE89 3704 0044 0532 0130 0", '{"a":', "\\", '"', "\x00a@b.co",
)  # fmt: skip
"""Pieces that, repeated, drive each pattern as hard as it can be driven."""


class Sample(msgspec.Struct):
    """A text; ``secret`` is the part that must go, empty where the whole text is harmless."""

    text: str
    secret: str
    kind: Kind | None


class Maker:
    """Makes secrets and look-alikes from one seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def letters(self, alphabet: str, count: int) -> str:
        """``count`` random characters of ``alphabet``."""
        return "".join(self.rng.choices(alphabet, k=count))

    def digits(self, count: int) -> str:
        """``count`` random digits."""
        return self.letters(string.digits, count)

    def pick(self, options: Any) -> Any:
        """One of ``options``."""
        return self.rng.choice(options)

    def until(self, make: Callable[[], str], is_valid: Callable[[str], bool]) -> str:
        """The first of ``make``'s that is valid."""
        while not is_valid(candidate := make()):
            pass
        return candidate

    def words(self, count: int) -> str:
        """Harmless prose."""
        return " ".join(self.rng.choices(_WORDS, k=count))


def email(make: Maker) -> str:
    """An address, plain, tagged, in capitals or encoded for a URL."""
    address = f"{make.pick(_NAMES)}{make.pick(['', '+news', '.x', make.digits(2)])}@{make.pick(_DOMAINS)}"
    return str(make.pick([address, address, address.upper(), address.replace("@", "%40")]))


def phone(make: Maker) -> str:
    """A number in the forms of several countries."""
    exchange = make.pick("23456789") + make.digits(2)
    area = make.pick("23456789") + make.pick("0123456789") + make.pick("2345678")
    forms = (
        f"+1 {area} {exchange} {make.digits(4)}",
        f"+1-{area}-{exchange}-{make.digits(4)}",
        f"({area}) {exchange}-{make.digits(4)}",
        f"{area}-{exchange}-{make.digits(4)}",
        f"{area}.{exchange}.{make.digits(4)}",
        f"+49 17{make.digits(1)} {make.digits(7)}",
        f"+4930{make.digits(8)}",
        f"+44 20 7{make.digits(3)} {make.digits(4)}",
        f"+33 6 {make.digits(2)} {make.digits(2)} {make.digits(2)} {make.digits(2)}",
        f"+91 9{make.digits(4)} {make.digits(5)}",
        f"0{make.pick('123459')} {make.digits(2)} {make.digits(2)} {make.digits(2)} {make.digits(2)}",
        f"07{make.digits(3)} {make.digits(6)}",
    )
    return str(make.pick(forms))


def card(make: Maker) -> str:
    """A card of a real network with a true check digit, in its groups or not."""
    prefix, length, groups = make.pick(
        [("4", 16, (4, 4, 4, 4)), ("5{}", 16, (4, 4, 4, 4)), ("37", 15, (4, 6, 5)), ("6011", 16, (4, 4, 4, 4)), ("36", 14, (4, 6, 4))]
    )
    start = prefix.format(make.pick("12345"))
    number = make.until(lambda: start + make.digits(length - len(start)), checkdigits.is_card)
    separator, places = make.pick(["", " ", "-", "\u00a0"]), [sum(groups[:index]) for index in range(len(groups) + 1)]
    return str(separator.join(number[begin:end] for begin, end in pairwise(places)))


def iban(make: Maker) -> str:
    """An account number of one of a few countries, in fours or not."""
    country, length = make.pick([("DE", 22), ("FR", 27), ("GB", 22), ("NL", 18), ("ES", 24), ("CH", 21)])
    letters = make.letters(string.ascii_uppercase, 4) if country in ("GB", "NL") else ""
    rest = letters + make.digits(length - 4 - len(letters))
    remainder = int("".join(str(int(letter, 36)) for letter in rest + country + "00")) % 97
    number = f"{country}{98 - remainder:02d}{rest}"
    return str(make.pick([number, " ".join(number[place : place + 4] for place in range(0, length, 4))]))


def national_id(make: Maker) -> str:
    """An id of one of a dozen countries that can be checked."""
    dni = make.digits(8)
    forms: tuple[Callable[[], str], ...] = (
        lambda: make.until(lambda: f"{make.digits(3)}-{make.digits(2)}-{make.digits(4)}", lambda ssn: checkdigits.is_us_ssn(ssn.replace("-", ""))),
        lambda: dni + "TRWAGMYFPDXBNJZSQVHLCKE"[int(dni) % 23],
        lambda: make.until(lambda: make.digits(11), checkdigits.is_german_tax_id),
        lambda: _dotted_cpf(make.until(lambda: make.digits(11), checkdigits.is_brazilian_cpf)),
        lambda: make.until(lambda: make.digits(11), checkdigits.is_polish_pesel),
        lambda: make.until(lambda: "1" + make.digits(14), checkdigits.is_french_nir),
        lambda: _grouped(make.until(lambda: make.digits(12), checkdigits.is_aadhaar), " ", 4),
        lambda: _grouped(make.until(lambda: make.digits(9), checkdigits.is_canadian_sin), "-", 3),
        lambda: _dashed(make.until(lambda: make.digits(10), checkdigits.is_swedish_id), 6),
        lambda: f"JK{make.digits(6)}{make.pick('ABCD')}",
        lambda: "SSN: " + make.until(lambda: make.digits(9), checkdigits.is_us_ssn),
    )
    return str(make.pick(forms)())


def _dotted_cpf(digits: str) -> str:
    return f"{digits[:3]}.{digits[3:6]}.{digits[6:9]}-{digits[9:]}"


def _grouped(digits: str, separator: str, size: int) -> str:
    return separator.join(digits[place : place + size] for place in range(0, len(digits), size))


def _dashed(digits: str, place: int) -> str:
    return f"{digits[:place]}-{digits[place:]}"


def jwt(make: Maker) -> str:
    """A signed token."""
    head = base64.urlsafe_b64encode(json.dumps({"alg": make.pick(["HS256", "RS256"]), "typ": "JWT"}).encode()).decode().rstrip("=")
    body = base64.urlsafe_b64encode(json.dumps({"sub": make.digits(6)}).encode()).decode().rstrip("=")
    return f"{head}.{body}.{make.letters(_ALNUM + '-_', 43)}"


def auth(make: Maker) -> str:
    """A credential behind its scheme."""
    basic = base64.b64encode(f"{make.pick(_NAMES)}:{make.letters(_ALNUM, 12)}".encode()).decode()
    return str(make.pick([f"Bearer {make.letters(_ALNUM, 15)}{make.digits(5)}", f"Basic {basic}", f"bearer {make.letters(_HEX, 40)}"]))


def api_key(make: Maker) -> str:
    """A key of a provider whose keys have a shape."""
    forms = (
        ("sk_live_", _ALNUM, 24), ("ghp_", _ALNUM, 36), ("glpat-", _ALNUM, 20), ("xoxb-", string.digits, 24), ("AIza", _ALNUM, 35),
        ("AKIA", string.ascii_uppercase + string.digits, 16), ("sk-proj-", _ALNUM, 40), ("npm_", _ALNUM, 36), ("hf_", _ALNUM, 34), ("SK", _HEX, 32),
    )  # fmt: skip
    prefix, alphabet, count = make.pick(forms)
    return str(prefix + make.letters(alphabet, count))


def private_key(make: Maker) -> str:
    """A PEM block."""
    name = make.pick(["", "RSA ", "EC ", "OPENSSH "])
    return f"-----BEGIN {name}PRIVATE KEY-----\n{make.letters(_ALNUM + '+/', 64)}\n{make.letters(_ALNUM + '+/', 40)}==\n-----END {name}PRIVATE KEY-----"


def cookie(make: Maker) -> str:
    """A header line."""
    return f"{make.pick(['Cookie', 'Set-Cookie', 'cookie'])}: sid={make.letters(_HEX, 20)}; theme={make.letters(string.ascii_lowercase, 6)}"


def password(make: Maker) -> tuple[str, str]:
    """A value beside a name that says password."""
    value = make.letters(_ALNUM, 10) + make.digits(1)
    return value, str(make.pick([f"password={value}", f'"password":"{value}"', f"user[pwd]={value}", f'{{"newPassword": "{value}"}}', f"passwd: {value}"]))


def secret(make: Maker) -> tuple[str, str]:
    """A query secret or token beside its name."""
    value = make.letters(_ALNUM, 20)
    name = make.pick(["access_token", "token", "sig", "X-Amz-Signature", "client_secret", "session_id", "csrf_token", "refreshToken"])
    return value, str(make.pick([f"https://shop.example/cb?a=1&{name}={value}&v=2", f'"{name}":"{value}"', f"{name}={value}"]))


MAKERS: dict[Kind, Callable[[Maker], str | tuple[str, str]]] = {
    Kind.EMAIL: email,
    Kind.PHONE: phone,
    Kind.CARD: card,
    Kind.IBAN: iban,
    Kind.NATIONAL_ID: national_id,
    Kind.JWT: jwt,
    Kind.AUTH: auth,
    Kind.API_KEY: api_key,
    Kind.PRIVATE_KEY: private_key,
    Kind.COOKIE: cookie,
    Kind.PASSWORD: password,
    Kind.SECRET: secret,
}
"""Each makes a secret, or one and the text that gives it away."""


def telling_prose(make: Maker) -> str:
    """Harmless text that speaks of passwords and tokens, and so gets a closer look."""
    forms = (
        f"Password must have {make.digits(1)} characters; token: required",
        f'{{"tokens":{make.digits(4)},"passwordStrength":"weak","hasPassword":true}}',
        "Forgot password? Reset link: see mail",
        "Cookie: settings, phone: none",
    )
    return str(make.pick(forms))


def look_alike(make: Maker) -> str:
    """A harmless text of the kinds that get redacted by mistake."""
    now = 1_763_900_000_000 + make.rng.randrange(10**9)
    forms = (
        f"/static/app.{make.letters(_HEX, 16)}.js?v={now}",
        f"logo@{make.pick('23')}x.{make.pick(['png', 'webp', 'svg'])} 2x",
        f"{make.pick(['react', 'vue', '@acme/ui'])}@{make.digits(1)}.{make.digits(2)}.{make.digits(1)}",
        f"M{make.digits(2)} {make.digits(1)}.{make.digits(3)}a{make.digits(1)} {make.digits(1)} 0 1 0 {make.digits(2)} 0Z",
        f"order #{make.digits(7)} of 2026-0{make.pick('123456789')}-1{make.digits(1)} 1{make.digits(1)}:2{make.digits(1)}:0{make.digits(1)}",
        f"{make.letters(_HEX, 8)}-{make.letters(_HEX, 4)}-4{make.letters(_HEX, 3)}-a{make.letters(_HEX, 3)}-{make.letters(_HEX, 12)}",
        f"${make.digits(2)},{make.digits(3)}.{make.digits(2)}",
        f"{make.digits(3)}.{make.digits(3)}.{make.digits(3)},{make.digits(2)} €".lstrip("0."),
        f"0.{make.digits(16)}",
        f"{now}",
        f"1{make.digits(17)}",
        f"v{make.digits(1)}.{make.digits(2)}.{make.digits(1)}-beta.{make.digits(1)}+2026{make.digits(4)}",
        f"{make.digits(2)} x {make.digits(3)} x {make.digits(2)} cm, {make.digits(3)} g",
        f"192.168.{make.digits(1)}.{make.digits(2)}:{make.digits(4)}",
        f"SKU-{make.digits(5)}-{make.letters(string.ascii_uppercase, 2)}",
        f"sha256:{make.letters(_HEX, 64)}",
        f"#{make.letters(_HEX, 6)} rgba({make.digits(2)}, {make.digits(2)}, {make.digits(2)}, 0.5)",
        f"Uncaught TypeError: x is not a function at f (https://shop.example/app.js:{make.digits(2)}:{make.digits(4)})",
        f"/search?q=table&page={make.digits(1)}&sort=price&key=name",
        f"Order {make.digits(9)} ships {make.pick(['Mon', 'Tue'])} {make.digits(2)} Nov",
        f"{make.digits(2)}:{make.digits(2)}:{make.digits(2)}.{make.digits(3)} GET /api/items/{make.digits(6)} 200 {make.digits(3)}ms",
        make.words(12),
        make.words(6).capitalize() + ".",
    )  # fmt: skip
    return str(make.pick(forms))


def labelled_samples(count: int, seed: int = 1) -> list[Sample]:
    """``count`` secrets of each kind, bare or within a sentence."""
    make = Maker(seed)
    samples = []
    for kind, maker in MAKERS.items():
        for _ in range(count):
            made = maker(make)
            value, found = made if isinstance(made, tuple) else (made, made)
            text = make.pick([found, f"{make.words(3)} {found}", f"{found} {make.words(2)}", f"{make.words(2)}: {found}, {make.words(1)}", f"({found})\n"])
            samples.append(Sample(str(text), value, kind))
    return samples


def harmless_samples(count: int, seed: int = 2) -> list[Sample]:
    """``count`` look-alikes."""
    make = Maker(seed)
    return [Sample(telling_prose(make) if index % 10 == 0 else look_alike(make), "", None) for index in range(count)]
