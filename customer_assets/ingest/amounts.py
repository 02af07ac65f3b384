"""Amounts as people write them, and SQL that reads them: 1,234.50, 12,50, $12.00, (12.00), 12- EUR.

What can be read in one way only is read; what could be two amounts (1,234) is none, unless the
source says which sign stands before the decimals. An amount in another currency than the source's
is none either. Does not belong here: whole numbers, identifiers and times.
"""

from decimal import Decimal
from typing import Literal

from customer_assets.warehouse.quoting import literal

# Wider than 18 digits, numbers are a hundred times slower to read: only where none are to be lost.
_NARROW, _EXACT = "decimal(18,4)", "decimal(38,15)"
_BLANK = r"[ \t\x{00A0}\x{2009}\x{202F}]"
# A hyphen, the minus sign, and the dash that spreadsheets make of one.
_MINUS = r"[-\x{2212}\x{2013}]"
_SIGN = r"[-+\x{2212}\x{2013}]"
_CURRENCY = (
    r"(?:[A-Z]{3}|usd|eur|gbp|chf|jpy|cad|aud|inr|brl|sek|nok|dkk|pln|[A-Z]{0,3}\p{Sc}|kr\.?|zł|Kč"
    # Also roubles and leva, which are written in Cyrillic.
    r"|Fr\.|Rs\.?|Ft|Rp\.?|RM|R|TL|lei|\x{0440}(?:\x{0443}\x{0431})?\.?|\x{043B}\x{0432}\.?|円|元)"
)
_CLEAR_SEPARATORS = r"[ '\x{2019}\x{00A0}\x{2009}\x{202F}]"
# Groups of three, or of two as in 12,34,567.50; a number that starts with 0 has none.
_GROUPED = r"[1-9]\d{{0,2}}(?:{0}\d{{3}})+|[1-9]\d?(?:{0}\d{{2}})+{0}\d{{3}}"
_PLAIN = rf"\d+|{_GROUPED.format(_CLEAR_SEPARATORS)}"
_BY_POINT = rf"(?:{_PLAIN}|{_GROUPED.format(',')})(?:\.\d+)?|\.\d+"
_BY_COMMA = rf"(?:{_PLAIN}|{_GROUPED.format('[.]')})(?:,\d+)?|,\d+"
# 1,234 may be two amounts; 1,234.50 and 1,234,567 are one.
_CLEARLY_BY_POINT = (
    rf"(?:{_PLAIN})(?:\.\d+)?|\.\d+|(?:{_GROUPED.format(',')})\.\d+"
    r"|[1-9]\d{0,2}(?:,\d{3}){2,}|[1-9]\d?(?:,\d{2})+,\d{3}"
)
# A price of whole francs or euros: 12.- and 5,-
_NO_CENTS = r"(?:[.,][-\x{2013}\x{2014}])"
_OF_SIGN = {"€": "EUR", "£": "GBP"}

DecimalSign = Literal[".", ","]


def amount_sql(text: str, decimal: DecimalSign | None, currency: str | None) -> str:
    """Return SQL for the amount that a text says, as text of digits and a point; else null.

    `decimal` is the sign before the decimals; null: only what is clear without it is read.
    `currency` is the source's: an amount that names another one is null.
    """
    is_plain = f"try_cast({text} as {_NARROW}) is not null"
    if decimal == ",":
        is_plain = f"({is_plain} and not contains({text}, '.'))"
        styles = [(_BY_COMMA, ","), (_BY_POINT, ".")]
    elif decimal == ".":
        styles = [(_BY_POINT, "."), (_BY_COMMA, ",")]
    else:
        styles = [(_CLEARLY_BY_POINT, ".")]
    written = ", ".join(_written(text, number, sign, currency) for number, sign in styles)
    exact = f"case when try_cast({text} as {_EXACT}) is not null then {_digits(text)} end"
    return f"case when {is_plain} then {_digits(text)} else coalesce({written}, {exact}) end"


def scaled_sql(amount: str, scale: float) -> str:
    """Return SQL for an amount times a factor, as text; null where it becomes too large."""
    factor = Decimal(repr(scale))
    # Narrow enough that the product has room for its digits.
    return f"(try_cast({amount} as decimal(26,8)) * {factor:f}::decimal(12,7))::varchar"


def loses_digits(amount: str) -> str:
    """Return SQL that is true where a digit of an amount, as text, is beyond the fourth decimal.

    What binary fractions add on their way through other tools (12.340000000000002) is none.
    """
    lost = f"abs(try_cast({amount} as {_EXACT}) - try_cast({amount} as {_NARROW}))"
    may_lose = f"regexp_matches({amount}, '[.]\\d{{4}}\\d*[1-9]')"
    return f"case when {may_lose} then {lost} > 0.00000001 else false end"


def product_sql(quantity: str, price: str) -> str:
    """Return SQL for quantity x price, both as text, to four decimals; null where it is too large.

    All digits count: a thousand pieces at 0.0508305 are not worth 50.8.
    """
    pieces, money = f"try_cast({quantity} as {_NARROW})", f"try_cast({price} as {_NARROW})"
    exact = f"try_cast({quantity} as decimal(18,5)) * try_cast({price} as decimal(20,9))"
    has_more = f"coalesce({loses_digits(quantity)} or {loses_digits(price)}, false)"
    # Whole pieces are multiplied many times faster than fractions.
    return (
        f"case when {has_more} then try_cast({exact} as {_NARROW}) "
        f"when {pieces} = trunc({pieces}) then try_cast({pieces}::bigint * {money} as {_NARROW}) "
        f"else try_cast({pieces}::decimal(19,4) * {money} as {_NARROW}) end"
    )


def _digits(text: str) -> str:
    """Return SQL for a number without an exponent: DuckDB reads 8.88e-16 as the decimal 0.0001."""
    plain = f"try_cast(try_cast({text} as double) as {_EXACT})::varchar"
    return f"case when {has_exponent(text)} then {plain} else {text} end"


def has_exponent(text: str) -> str:
    """Return SQL that is true of 1e3: of a text that is a number, not of any with that letter."""
    return f"(contains({text}, 'e') or contains({text}, 'E'))"


def _written(text: str, number: str, decimal: str, currency: str | None) -> str:
    body = f"regexp_replace({text}, '^{_BLANK}+|{_BLANK}+$', '', 'g')"
    shape = (
        rf"^{_CURRENCY}?{_BLANK}*(\(?)({_SIGN}?){_BLANK}*{_CURRENCY}?{_BLANK}*({_SIGN}?){_BLANK}*({number})"
        rf"{_NO_CENTS}?{_BLANK}*({_SIGN}?){_BLANK}*{_CURRENCY}?{_BLANK}*(\)?){_BLANK}*{_CURRENCY}?$"
    )
    names = "['open', 'before', 'within', 'number', 'after', 'close']"
    parts = f"regexp_extract({body}, {literal(shape)}, {names})"
    digits = f"regexp_replace(p.number, {literal('[^0-9' + decimal + ']')}, '', 'g')"
    signs = "p.before || p.within || p.after"
    negative = f"p.open = '(' or regexp_matches({signs}, {literal(_MINUS)})"
    sound = "p.number <> '' and (p.open = '') = (p.close = '') and length(" + signs + ") <= 1"
    if currency:
        code = f"upper(regexp_extract({text}, '[A-Z]{{3}}|[a-z]{{3}}'))"
        sound += f" and {code} in ('', {literal(currency)})"
        others = "".join(sign for sign, other in _OF_SIGN.items() if other != currency)
        sound += f" and not regexp_matches({text}, {literal(f'[{others}]')})"
    amount = f"case when {negative} then '-' else '' end || replace({digits}, ',', '.')"
    return f"list_transform([{parts}], lambda p: case when {sound} then {amount} end)[1]"
