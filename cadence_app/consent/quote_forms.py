"""The forms in which phones quote: reactions by language, forwards, and answers that a phone gives by itself.

They are compared with a text as quoting.py folds it: without capitals and accents, with plain quotes. A form
by itself takes nothing out of a text; what is quoted must be ours besides.
"""

from __future__ import annotations

import re

_EMOJI = r"[^\w\s\"'.,:;?&/()-][^\w\s\"']{0,23}"
_THING = (
    r"(?:reaction|like|love|heart|dislike|laugh|exclamation(?: point| mark)?|question mark|sticker|"
    rf"{_EMOJI})(?: reaction)?"
)
_NAMED_THING = rf"(?:[\w' ]{{1,40}}|\"[\w' ]{{1,30}}\"|{_EMOJI})"
_ENGLISH = (
    r"(?:un|dis)?liked|loved|laughed at|emphasi[sz]ed|questioned",
    rf"(?:reacted|responded) (?:with )?(?:a sticker|{_EMOJI}) to|{_EMOJI} to",
    rf"removed (?:an? |the |their )?{_THING} from",
)
_SPANISH = (
    r"(?:no |ya no )?le (?:gusto|gusta|encanto|encanta)|le dio risa|se rio (?:de|con)|exclamo por",
    r"enfatizo|destaco|resalto|puso enfasis en|dudo (?:sobre|de)|cuestiono|pregunto por|puso en duda",
    rf"(?:reacciono (?:con )?)?{_EMOJI} (?:a|en)",
    rf"(?:elimino|quito|borro|retiro) (?:(?:el|la|un|una|su) )?{_NAMED_THING} (?:de|a|en)",
)
_FRENCH = (
    r"(?:n'a pas |a )?(?:aime|adore)|a ri (?:a|de)|a rigole a|s'est interrogee? sur|s'interroge sur",
    r"a (?:souligne|accentue|mis en evidence|insiste sur|fait ressortir)",
    r"a (?:questionne|mis en doute|remis en question)",
    rf"(?:a reagi (?:avec|par) )?{_EMOJI} a",
    rf"a (?:supprime|retire|enleve) (?:(?:un|une|le|la|son|sa) )?{_NAMED_THING} (?:de|a|sur|pour)",
)
_GERMAN = (
    r"(?:hat )?(?:gefallt(?: nicht)?|mag|liebt|geliebt|lacht (?:uber|bei)|gelacht uber|lachte uber)",
    r"(?:hat )?(?:betont|hervorgehoben|hinterfragt|fragt zu|bezweifelt|stellt)",
    rf"(?:hat )?(?:mit )?{_EMOJI} (?:auf|zu)",
    rf"(?:hat )?(?:(?:ein|eine|einen|das|die|den) )?{_NAMED_THING} (?:von|fur|bei|zu)",
    r"hat",
)
_PORTUGUESE = (
    r"(?:nao |des)?curtiu|(?:nao )?gostou de|amou|adorou|riu(?:-se)? (?:de|com)",
    r"enfatizou|destacou|questionou",
    rf"(?:reagiu (?:com )?)?{_EMOJI} (?:a|para|em)",
    rf"(?:removeu|retirou) (?:(?:o|a|um|uma) )?{_NAMED_THING} (?:de|em|a)",
)
_OTHERS = (
    r"(?:non )?(?:ti |gli |le )?(?:piace|e piaciuto)|ha riso (?:a|di|per)",
    r"ha (?:adorato|amato|enfatizzato|messo in dubbio)|vond(?: dit)?|vindt|lachte om|benadrukte",
    r"(?:не )?понравилось|(?:не )?нравится|выделено|рассмешило",
)
# Up to the opening quote.
REACTION = re.compile(
    rf"(?:{'|'.join((*_ENGLISH, *_SPANISH, *_FRENCH, *_GERMAN, *_PORTUGUESE, *_OTHERS))})"
    r"[ :]{0,2}(?=[\"'])"
)
# What some languages say after the closing quote.
AFTER = re.compile(
    r" ?(?:nicht|entfernt|reagiert|geliebt|betont|hervorgehoben|in ?frage(?: gestellt)?|leuk|gefallt mir|"
    rf"(?:hat )?(?:mit|avec|con|com|with|met) (?:einem |un |um |a )?{_EMOJI}(?: reagiert| entfernt)?|"
    r"mit \"gefallt mir\" markiert)(?=\W|$)"
)
# Google Messages marks the parts of a reaction in any language: hair spaces around the quoted part, and
# zero-width signs (a space where it is added, a non-joiner where it is removed) around the emoji.
MARKED = re.compile(
    "[\u200b\u200c ]*\u200a[^\u200a]*[\u200b\u200c][^\u200a]*\u200a(.*?)\u200a(?:[^\u200a]{0,60}\u200a|\\W*)",
    re.DOTALL,
)
_FORWARDED = (
    r"forwarded message|original message|mensaje reenviado|message transfere|weitergeleitete nachricht|"
    r"mensagem encaminhada"
)
FORWARD = re.compile(
    r"(?:^|\n) ?(?:(?:"
    r"(?:fwd?|fw|fd|wg|rv|tr|enc|inoltro|doorst)\b ?(?::|-|>)|"
    rf"\[?(?:fwd|forwarded|reenviado|transfere|weitergeleitet|encaminhado|{_FORWARDED})\]?:?(?= ?[\n\"'])|"
    rf"-{{2,}} ?(?:{_FORWARDED}) ?-{{2,}}|forwarded message:|>"
    r") ?)+"
)
_AUTOMATIC = r"auto(?:matic|mated|matische)?[- ]?(?:reply|response|message|text|antwort|responder)\b"
# How an answer begins that a phone or a system gives by itself.
BY_ITSELF = re.compile(
    r"[\[(*]? ?(?:(?:hi|hello|hey|sorry)[,!.]? ?)?(?:"
    r"(?:i'?m|i am)(?: currently)? (?:driving|not receiving notifications)|driving mode|"
    rf"{_AUTOMATIC}|this is an? auto(?:matic|mated)?\b|(?:respuesta|mensaje) automatic|reponse automatique|"
    r"(?:resposta|mensagem) automatica|out of (?:the )?office|ich fahre gerade|je conduis|estoy conduciendo|"
    r"estou (?:dirigindo|conduzindo|a conduzir))"
)
# What it calls itself in the sentence that tells how to stop it.
OF_ITSELF = re.compile(r"\b(?:auto|automatic|automated)[- ]?(?:repl(?:y|ies)|responses?|messages?)\b")
# A reaction to a picture quotes nothing.
OF_A_FILE = re.compile(
    rf"(?:(?:un|dis)?liked|loved|laughed at|emphasi[sz]ed|questioned|reacted {_EMOJI} to|"
    rf"removed (?:an? |the |their )?{_THING} from) (?:an?|the) (?:image|picture|photo|video|movie|"
    r"audio message|attachment|sticker)\.?"
)
# Of these only what nobody would write by hand: somebody who drives may ask where to park.
SURELY_BY_ITSELF = re.compile(
    rf"[\[(*]? ?(?:{_AUTOMATIC} ?[:\])*.-]|this is an auto(?:matic|mated) (?:reply|response|message)\b|"
    r"(?:i'?m|i am)(?: currently)? (?:driving with (?:do not disturb|(?:the )?driving focus)|"
    r"not receiving notifications)|driving mode\b|(?:respuesta|mensaje) automatic[oa] ?:|"
    r"reponse automatique ?:|(?:resposta|mensagem) automatica ?:)"
)
