"""What a short text on a page says: trouble, success, waiting, or nothing of the kind.

Word stems in the languages most sites are written in. A stem only counts together with how the text is
shown (see ``seen.py``): the words alone also stand in articles and order lists.
"""

import re

_TROUBLE_STEMS = (
    r"\berrors?\b|\bfail(ed|ure|s)?\b|went wrong|try (it )?again|could(n.t| not)\b|\bcan(not|.t)\b|\bunable\b|\b(in|not )valid\b"
    r"|\brequired\b|\bplease (enter|fill|select|choose|check|provide|correct|wait and|reload|log ?in|sign ?in|use)\b|\bmust (be|not|have|contain|match|select|enter)\b"
    r"|\b(un|not )available\b|\b(denied|rejected|declined|refused|expired|unauthori[sz]ed|forbidden)\b|\btimed? ?out\b|\bproblem\b|\boops\b|\bsorry\b"
    r"|\bnot found\b|\bunexpected\b|\bincorrect\b|\bwrong\b|\bmissing\b|\btoo (short|long|large|many|big|weak)\b|\boffline\b|\bno (internet|connection|network)\b"
    r"|\bdo(es)?( not|n.t) (match|exist|work)\b|\bcrash(ed)?\b|\bisn.t (working|available|valid)\b|\bnothing was (saved|sent|changed)\b"
    r"|fehler|fehlgeschlagen|ungültig|erforderlich|pflichtfeld|\bleider\b|konnten? .{0,40}nicht|nicht (gefunden|möglich|verfügbar|gültig)|abgelehnt|erneut versuchen|bitte (geben|füllen|wählen|prüfen)"
    r"|\berreur|échec|échoué|invalide|obligatoire|impossible d|désolé|réessay|veuillez|introuvable"
    r"|\bfall[oó]\b|inválid|obligatori|no se (pudo|ha podido)|inténtalo|lo sentimos|incorrect[oa]|\bno disponible"
    r"|\berro\b|falh(ou|a)\b|obrigatóri|não foi possível|tente novamente|\berrore\b|non (è )?valid|impossibile|riprova"
    r"|\bfout(en)?\b|mislukt|ongeldig|verplicht|probeer|\bbłąd|nie udało|nieprawidłow|wymagane|\bfel\b|misslyckades|ogiltig"
    r"|ошибк|не удалось|неверн|обязательн|hata\b|başarısız|geçersiz|エラー|失敗|無効|必須|できません|もう一度|错误|失败|无效|必填|无法|重试|오류|실패|잘못"
)
_STRONG = (
    r"something (has )?(gone|went) wrong|an? (\w+ ){0,2}error (has )?occurred|try (it )?again|could(n.t| not) (be )?\w+|unable to|failed to|(payment|upload|request|login|sign.?in|order|checkout) (was )?(failed|declined|rejected)"
    r"|^(error|oops|sorry|failed|problem)\b|internal server error|bad gateway|service unavailable|application error|page (could not|couldn.t|not)"
    r"|es ist ein .{0,20}fehler|fehler beim|une erreur|s.est produite|se ha producido un error|ocorreu um erro|si è verificato|произошла ошибка|エラーが発生|发生错误|오류가 발생"
)
_CALM = r"\b(no|0|zero|without|any) errors?\b|error.free|\bno problems?\b|not required|if (something|anything) goes wrong|\bno longer required|error (log|rate|budget|report|tracking|handling)s?\b"
_SUCCESS = (
    r"\bsucce(ss|eded)|\bsaved\b|\bdone\b|\bthanks?( you)?\b|\bcompleted?\b|\bconfirmed\b|\badded\b|\bsent\b|\bwelcome\b|\bupdated\b|\bcreated\b|\bcopied\b|\bdeleted\b|\bremoved\b|\breceived\b|\bsubscribed\b|\bplaced\b|✓|✔"
    r"|erfolgreich|gespeichert|vielen dank|gesendet|enregistré|merci|succès|guardado|gracias|éxito|salvo|obrigad|salvato|grazie|opgeslagen|bedankt|zapisano|dziękujemy|сохранен|спасибо|保存しました|完了|成功|저장|완료"
)
_WAITING = r"\b(loading|saving|sending|processing|submitting|please wait|working on|searching|uploading|signing in|connecting)\b|…$|\.\.\.$|\blädt\b|wird geladen|chargement|cargando|carregando|caricamento|laden\b|загрузка|読み込み|加载中|로딩"

_BUSY = r"^\w{3,}(ing|ando|endo|iendo)\b(\W+\w+){0,3}\W*$"
_NOTHING = r"\b(0|no|zero|keine?|aucune?|sin|nessun\w*|nenhum\w*) (\w+ )?(results?|matches|items?|entries|ergebnisse?|treffer|résultats?|resultados?|risultat\w)\b|\bnothing (was )?found\b"

_FLAGS = re.IGNORECASE
_TROUBLE_RE, _STRONG_RE, _CALM_RE = (re.compile(words, _FLAGS) for words in (_TROUBLE_STEMS, _STRONG, _CALM))
_BUSY_RE, _NOTHING_RE = re.compile(_BUSY, _FLAGS), re.compile(_NOTHING, _FLAGS)
_SUCCESS_RE, _WAITING_RE = re.compile(_SUCCESS, _FLAGS), re.compile(_WAITING, _FLAGS)


def speaks_of_trouble(text: str) -> bool:
    """Whether ``text`` has a word of failure in it, and not only to deny it."""
    return _TROUBLE_RE.search(_CALM_RE.sub(" ", text)) is not None


def says_it_failed(text: str) -> bool:
    """Whether ``text`` is a phrase hardly ever used but to report a failure."""
    return _STRONG_RE.search(_CALM_RE.sub(" ", text)) is not None


def speaks_of_success(text: str) -> bool:
    """Whether ``text`` reports that something worked."""
    return _SUCCESS_RE.search(text) is not None and not speaks_of_trouble(text)


def asks_to_wait(text: str) -> bool:
    """Whether ``text`` is of the kind ``Loading…``; only short ones are."""
    return len(text) <= 60 and _WAITING_RE.search(text) is not None


def names_work_in_hand(text: str) -> bool:
    """Whether a control's few words say what it is doing, like ``Placing order``."""
    return len(text) <= 40 and _BUSY_RE.match(text) is not None


def finds_nothing(text: str) -> bool:
    """Whether ``text`` says that there is nothing to list."""
    return len(text) <= 80 and _NOTHING_RE.search(text) is not None
