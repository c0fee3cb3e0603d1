# ruff: noqa: E501 - a pattern or a word list is read as one line
"""Values for the slots of the training texts: amounts, days to come, days gone by, names, hours. Drawn, never real people."""

import re

import numpy as np

from forbear_replies.labels import Lang

_SLOT = re.compile(r"\{(amt|day|past|name|hour)\}")
_AMOUNTS = {
    "en": ("$500", "400", "$1,250.00", "350 bucks", "$200", "three fifty", "two hundred", "1k", "$75", "1,100", "$2,340.18", "a thousand dollars", "twelve hundred", "six hundred", "$940", "450"),
    "es": ("$500", "400", "300 dólares", "$1,250", "mil", "quinientos", "850", "doscientos dólares", "$75", "mil doscientos", "600"),
    "zh": ("500", "三千", "5000元", "2000块", "一万", "1.5万", "两千五", "8600", "六千块", "3,200元", "1万2", "一千"),
}  # fmt: skip
_DAYS = {
    "en": ("Friday", "on the 15th", "tomorrow", "next Tuesday", "Monday", "by the 1st", "June 3rd", "tonight", "this Friday", "the 20th", "at the end of the month", "in two weeks", "Thursday morning", "7/12", "Saturday", "next Friday"),
    "es": ("el viernes", "el lunes", "mañana", "el 15", "el próximo martes", "pasado mañana", "a fin de mes", "el 3 de junio", "la quincena", "el jueves que viene", "el sábado", "en dos semanas"),
    "zh": ("明天", "周五", "15号", "下周一", "月底", "后天", "下个月5号", "星期三", "6月3号", "礼拜六", "二十号", "下星期二"),
}  # fmt: skip
_PASTS = {
    "en": ("yesterday", "last Friday", "on the 3rd", "this morning", "May 2", "Monday", "last week", "two days ago", "on 6/30", "last night", "the 12th", "Tuesday"),
    "es": ("ayer", "el viernes", "el 3", "esta mañana", "la semana pasada", "el lunes pasado", "antier", "el 5 de mayo", "anoche", "el martes"),
    "zh": ("昨天", "上周五", "3号", "今天早上", "前天", "5月2号", "上个月", "周一", "昨晚", "刚才", "上星期"),
}  # fmt: skip
_NAMES = {
    "en": ("Gloria Hastings", "Mr. Pruitt", "Tanya", "Ray Dobbs", "Mrs. Okafor", "Hector", "Linda Voss", "Jim", "Sherry Lund"),
    "es": ("Ramiro Cantú", "la señora Elvia", "Don Chema", "Lupita Barragán", "Teodoro", "Graciela"),
    "zh": ("陈建国", "李小红", "王师傅", "张伟明", "刘女士", "林先生", "周小姐", "黄志强"),
}  # fmt: skip
_HOURS = {
    "en": ("6", "5pm", "9 am", "3:30", "noon", "10", "six thirty", "8 pm", "two"),
    "es": ("6", "5 de la tarde", "9 am", "tres", "10", "8 de la noche"),
    "zh": ("六点", "下午3点", "9点", "晚上七点", "10点半", "18:00", "两点"),
}  # fmt: skip
_VALUES = {"amt": _AMOUNTS, "day": _DAYS, "past": _PASTS, "name": _NAMES, "hour": _HOURS}


def fill_slots(text: str, lang: Lang, rng: np.random.Generator) -> str:
    """``text`` with each slot replaced by a value drawn for its language family."""

    def draw(slot: re.Match[str]) -> str:
        values = _VALUES[slot[1]][lang.family]
        return values[int(rng.integers(len(values)))]

    filled = _SLOT.sub(draw, text)
    return (
        filled.replace("on on ", "on ")
        .replace("by by ", "by ")
        .replace("el el ", "el ")
        .replace("on tonight", "tonight")
    )
