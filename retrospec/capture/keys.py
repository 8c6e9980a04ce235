"""Which names of fields, headers and query parameters say that their value is secret."""

import re
from functools import lru_cache

from retrospec.capture.rules import Kind

MAX_KEY_CHARS = 64
"""A longer name is not looked at: it is content, not a name."""

_SEPARATORS = re.compile(r"[\s_.\-\[\]]+")
_EXPERIMENTAL = re.compile(r"^x[-_]")
_ABOUT_PASSWORDS = re.compile(
    r"^(?:forgot(?:ten)?|reset|show|hide|has|is|change|use|require|toggle|no|min|max|label|error)(?=[A-Z\s_.\-])"
    r"|^(?:forgot|reset|show|hide|has|change)(?:password|passwd|pwd)"
)
"""``hasPassword`` and ``forgot_password`` speak of one; ``userPassword`` is one."""
_PASSWORD = re.compile(
    r"(?:password|passwd|passphrase|passcode|passwort|kennwort|motdepasse|contrasena|contraseña|pwd)"
    r"(?:\d|confirmation|confirm|again|repeat|verify|hash|value|plain|salt|new|old|current)*$"
    r"|^(?:pass|pw|pin|pincode|otp|totp|mfacode|otpcode|onetimecode|onetimepassword|twofactorcode|verificationcode"
    r"|cvv|cvv2|cvc|cvc2|csc|cccsc|cccvc|cccvv|cardcvc|cardcvv|cardsecuritycode|securitycode|currentpassword|newpassword)$"
)
_COOKIE = re.compile(r"(?:^|set|document|http|session|auth|request|response)cookies?2?$")
_AUTH = re.compile(r"^(?:proxy|x|http)*authorization$|^(?:basic|http)?auth(?:header|password|string)?$|^bearer$")
_API_KEY = re.compile(r"(?:api|apisecret|access|account|subscription|ocpapimsubscription|admin|service|master)key$")
_PRIVATE_KEY = re.compile(r"(?:private|signing|encryption|ssh)key(?:pem)?$")
_SECRET = re.compile(
    r"token$|(?<!top)secret(?:key|value|access|hash)?$|credentials?$|^(?:csrf|xsrf)(?:middleware)?|(?:csrf|xsrf)$|jwt$"
    r"|session(?:id|key)$|^(?:php|j|asp\.net_?)?sess(?:ion)?id$|^(?:connect)?sid$|^signature$|amzsignature$|amzcredential$|^sig$"
)
_NATIONAL_ID = re.compile(
    r"^(?:ssn|socialsecuritynumber|socialsecurity|nationalid|nationalinsurancenumber|nino|taxid|steuerid|bsn|cpf|pesel|nir|sin|aadhaar"
    r"|aadhar|dni|nie|codicefiscale|curp|personnummer|passportnumber|passportno|driverslicense|driverlicense)(?:number|no)?$"
)
_PHONE = re.compile(
    r"(?:phone|telephone|mobile|cellphone|telefon|telefono|whatsapp|msisdn|handy|fax)(?:number|no|nr|e164)?\d?$|^(?:tel|cell|telnational)$"
)
_CARD = re.compile(r"^(?:card|cc|creditcard|debitcard)(?:number|no|num)$|^pan$")
_NOT_TOKENS = re.compile(r"^(?:tokentype|nexttoken|pagetoken|nextpagetoken|continuationtoken|synctoken|maxtoken)$")

_BY_KEY: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (_COOKIE, Kind.COOKIE),
    (_AUTH, Kind.AUTH),
    (_PRIVATE_KEY, Kind.PRIVATE_KEY),
    (_API_KEY, Kind.API_KEY),
    (_NATIONAL_ID, Kind.NATIONAL_ID),
    (_PHONE, Kind.PHONE),
    (_CARD, Kind.CARD),
)
_LONG_QUERY_SECRETS = frozenset({"code", "key", "ticket", "hash", "session", "auth", "invite", "invitation", "reset", "verify", "nonce"})
"""Parameters with many harmless uses: secret only from 16 characters up."""


@lru_cache(maxsize=4_096)
def kind_of_key(key: str, extra: tuple[str, ...] = ()) -> Kind | None:
    """The kind of secret a value under ``key`` is; None for an ordinary name.

    ``extra`` are a project's further names. ``accessToken``, ``access_token`` and ``Access-Token`` are one.
    """
    if len(key) > MAX_KEY_CHARS:
        return None
    name = plain_name(key)
    if extra and name in map(plain_name, extra):
        return Kind.SECRET
    if _PASSWORD.search(name) and not _ABOUT_PASSWORDS.match(key):
        return Kind.PASSWORD
    for pattern, kind in _BY_KEY:
        if pattern.search(name):
            return kind
    if _SECRET.search(name) and not _NOT_TOKENS.match(name):
        return Kind.SECRET
    return None


def kind_of_parameter(name: str, value: str, extra: tuple[str, ...] = ()) -> Kind | None:
    """The same for a query parameter, where a few short names are secret if their value is long."""
    if plain_name(name) in _LONG_QUERY_SECRETS:
        return Kind.SECRET if len(value) >= 16 and not value.isdigit() else None
    return kind_of_key(name, extra)


def plain_name(key: str) -> str:
    """``X-Access_Token`` → ``accesstoken``."""
    return _SEPARATORS.sub("", _EXPERIMENTAL.sub("", key.lower()))


def loose_name(key: str) -> str:
    """An RE2 pattern of ``key`` however it is spelled: ``member-no`` finds ``memberNo``."""
    return r"[_\-. ]?".join(re.escape(letter) for letter in plain_name(key))
