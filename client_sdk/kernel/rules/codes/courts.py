"""Codes of Chinese courts (法院代字) in case numbers, 法〔2015〕137号, and their relation to GB/T 2260 county codes.

The code of a basic court is the character of its province and the last four digits of its county's code. A court
keeps its code when the county's changes, so a county derived here is a hint and never a reason to refuse.
"""

from __future__ import annotations

__all__ = ["CORPS", "COURTS_WITHOUT_COUNTY", "MILITARY", "PROVINCES", "PROVINCE_NAMES", "SUPREME", "county_of"]

SUPREME = "最高法"
# The courts of the Xinjiang Production and Construction Corps.
CORPS = "兵"
# The military courts, which decide civil cases too (法〔2015〕137号 Art. 12).
MILITARY = "军"

# Character -> first two digits of the county codes. Inner Mongolia is 内, not 蒙; Guizhou is 黔, not 贵.
PROVINCES: dict[str, str] = {
    "京": "11",
    "津": "12",
    "冀": "13",
    "晋": "14",
    "内": "15",
    "辽": "21",
    "吉": "22",
    "黑": "23",
    "沪": "31",
    "苏": "32",
    "浙": "33",
    "皖": "34",
    "闽": "35",
    "赣": "36",
    "鲁": "37",
    "豫": "41",
    "鄂": "42",
    "湘": "43",
    "粤": "44",
    "桂": "45",
    "琼": "46",
    "渝": "50",
    "川": "51",
    "黔": "52",
    "云": "53",
    "藏": "54",
    "陕": "61",
    "甘": "62",
    "青": "63",
    "宁": "64",
    "新": "65",
}

# How names of courts begin -> character. Whole names only: there is a Henan county in Qinghai, and a Hainan prefecture.
PROVINCE_NAMES: dict[str, str] = {
    "最高人民法院": SUPREME,
    "北京": "京",
    "天津": "津",
    "河北省": "冀",
    "山西省": "晋",
    "内蒙古": "内",
    "辽宁省": "辽",
    "吉林省": "吉",
    "黑龙江省": "黑",
    "上海": "沪",
    "江苏省": "苏",
    "浙江省": "浙",
    "安徽省": "皖",
    "福建省": "闽",
    "江西省": "赣",
    "山东省": "鲁",
    "河南省": "豫",
    "湖北省": "鄂",
    "湖南省": "湘",
    "广东省": "粤",
    "广西": "桂",
    "海南省": "琼",
    "重庆": "渝",
    "四川省": "川",
    "贵州省": "黔",
    "云南省": "云",
    "西藏": "藏",
    "陕西省": "陕",
    "甘肃省": "甘",
    "青海省": "青",
    "宁夏": "宁",
    "新疆": "新",
}

# The internet courts.
COURTS_WITHOUT_COUNTY = frozenset(("京0491", "浙0192", "粤0192"))
_RAILWAY = "71"
_BASIC = 5


def county_of(court: str) -> str | None:
    """Return the GB/T 2260 code of a basic court's county, None for every other court.

    Args:
        court: as a case number carries it, e.g. "沪0115", which gives "310115".
    """
    if len(court) != _BASIC or court in COURTS_WITHOUT_COUNTY or court[1:3] == _RAILWAY:
        return None
    province = PROVINCES.get(court[0])
    return None if province is None else province + court[1:]
