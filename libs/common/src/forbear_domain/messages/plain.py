"""Money and days as people of each language read them. Amounts are integers in minor units, days are dates."""

from datetime import date

_MINOR_DIGITS = {"JPY": 0, "KRW": 0, "TWD": 0, "CLP": 0, "VND": 0}
_SIGNS = {
    "en": {"USD": "$", "GBP": "£", "EUR": "€", "CNY": "CNY ", "HKD": "HK$", "TWD": "NT$", "AUD": "A$", "INR": "INR "},
    "es": {"USD": "$", "GBP": "£", "EUR": "€", "MXN": "MXN "},
    "zh-Hans": {"CNY": "¥", "USD": "$", "HKD": "HK$", "TWD": "NT$"},
    "zh-Hant": {"CNY": "CN¥", "USD": "$", "HKD": "HK$", "TWD": "NT$"},
}
_MONTHS = {
    "en": (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
    "es": (
        "enero", "febrero", "marzo", "abril", "mayo", "junio",
        "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre",
    ),
}  # fmt: skip


def money(minor: int, currency: str, language: str) -> str:
    """Write an amount: money(61240, "USD", "en") == "$612.40". `currency` is ISO 4217."""
    digits = _MINOR_DIGITS.get(currency, 2)
    whole, part = divmod(abs(minor), 10**digits)
    amount = f"{whole:,}.{part:0{digits}d}" if digits else f"{whole:,}"
    return f"{'-' if minor < 0 else ''}{_SIGNS.get(language, {}).get(currency, currency + ' ')}{amount}"


def day(value: date, language: str) -> str:
    """Write a day without its year: "March 4", "4 de marzo", "3月4日"."""
    if language.startswith("zh"):
        return f"{value.month}月{value.day}日"
    month = _MONTHS[language][value.month - 1]
    return f"{value.day} de {month}" if language == "es" else f"{month} {value.day}"
