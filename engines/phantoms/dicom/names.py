"""Invented people's names, each in the character set that its country's systems write.

The parts are common names put together by chance. Character sets: PS3.3 C.12.1.1.2, and the forms
of Japanese and Korean names PS3.5 H and I.
"""

from dataclasses import dataclass

import numpy as np

#: The stream of the names (another stream never changes them).
_STREAM = 41


@dataclass(frozen=True)
class Culture:
    """Names and words of one country's hospitals.

    Attributes
    ----------
    charset : tuple of str
        SpecificCharacterSet; empty where plain ASCII is written without it.
    language : {'en', 'de', 'fr', 'es'}
        Of the descriptions.
    hospital : str
        InstitutionName, in its own script.
    families, women, men : tuple of str
        Parts of names; where there are several scripts, parted with ``=`` as in PN.
    """

    charset: tuple[str, ...]
    language: str
    hospital: str
    families: tuple[str, ...]
    women: tuple[str, ...]
    men: tuple[str, ...]


@dataclass(frozen=True)
class Name:
    """A patient's name as PN writes it, and whose hospital wrote it."""

    text: str
    culture: Culture


CULTURES = {
    "british": Culture(
        (),
        "en",
        "Virtual General Hospital",
        ("Ashdown", "Birchall", "Coldwell", "Fairbourne", "Hathersley", "Marlowe", "Thornbury"),
        ("Agnes", "Beatrice", "Dorothy", "Eileen", "Margaret", "Rosemary", "Winifred"),
        ("Albert", "Clifford", "Edmund", "Gerald", "Leonard", "Reginald", "Walter"),
    ),
    "german": Culture(
        ("ISO_IR 100",),
        "de",
        "Virtuelles Klinikum Süd",
        ("Blümel", "Grünwälder", "Höfinger", "Köstner", "Lindenmüller", "Schäufele", "Weiß"),
        ("Bärbel", "Elfriede", "Gisela", "Hannelore", "Käthe", "Renate", "Ursula"),
        ("Dieter", "Günther", "Jörg", "Karl-Heinz", "Manfred", "Rüdiger", "Wolfgang"),
    ),
    "french": Culture(
        ("ISO_IR 100",),
        "fr",
        "Hôpital virtuel Saint-Élie",
        ("Bérard", "Delafosse", "Giraudéas", "Lefebvre-Noël", "Maçon", "Périgueux", "Rénier"),
        ("Agnès", "Bénédicte", "Françoise", "Geneviève", "Hélène", "Joëlle", "Thérèse"),
        ("André", "Benoît", "Étienne", "François", "Gérard", "Jérôme", "René"),
    ),
    "spanish": Culture(
        ("ISO_IR 100",),
        "es",
        "Hospital Virtual Peñalta",
        ("Ibáñez Solís", "Muñoz Peña", "Núñez Lara", "Órdenes Gil", "Quiñones Mar", "Yáñez Ríos"),
        ("Asunción", "Concepción", "Encarnación", "Inés", "Mercedes", "Pilar", "Rocío"),
        ("Andrés", "Fermín", "Ginés", "Iñigo", "Joaquín", "Ramón", "Tomás"),
    ),
    "polish": Culture(
        ("ISO_IR 101",),
        "en",
        "Szpital Wirtualny w Łąkach",
        ("Dąbrówka", "Gołąbek", "Jeżyński", "Kłosowicz", "Wróbel", "Źrebiec", "Żółtek"),
        ("Bożena", "Elżbieta", "Grażyna", "Małgorzata", "Stanisława", "Wiesława"),
        ("Bogusław", "Grzegorz", "Łukasz", "Mieczysław", "Władysław", "Zdzisław"),
    ),
    "russian": Culture(
        ("ISO_IR 144",),
        "en",
        "Виртуальная больница",
        ("Березко", "Дубняк", "Калинич", "Орешко", "Рябинич", "Чернолес"),
        ("Галина", "Зинаида", "Лидия", "Нина", "Тамара"),
        ("Аркадий", "Борис", "Геннадий", "Леонид", "Степан"),
    ),
    "greek": Culture(
        ("ISO_IR 126",),
        "en",
        "Εικονικό Νοσοκομείο",
        ("Αμπελάς", "Δαφνίδης", "Ελαιώνας", "Πευκάκης", "Σταφύλης"),
        ("Αικατερίνη", "Βασιλική", "Ελένη", "Σοφία", "Χρυσούλα"),
        ("Αθανάσιος", "Γεώργιος", "Εμμανουήλ", "Σπυρίδων", "Χρήστος"),
    ),
    "korean": Culture(
        ("", "ISO 2022 IR 149"),
        "en",
        "가상대학교병원",
        (
            "Kim=金=김",
            "Lee=李=이",
            "Park=朴=박",
            "Choi=崔=최",
            "Jung=鄭=정",
            "Yoon=尹=윤",
            "Han=韓=한",
        ),
        (
            "Sookja=淑子=숙자",
            "Youngsook=英淑=영숙",
            "Kyunghee=慶喜=경희",
            "Mija=美子=미자",
            "Jungsoon=貞順=정순",
        ),
        (
            "Youngsoo=英洙=영수",
            "Jongho=鍾浩=종호",
            "Sungmin=成民=성민",
            "Kwangsik=光植=광식",
            "Taeho=泰浩=태호",
        ),
    ),
    "japanese": Culture(
        ("", "ISO 2022 IR 87"),
        "en",
        "仮想総合病院",
        (
            "Mori=森=もり",
            "Kawabe=川辺=かわべ",
            "Noda=野田=のだ",
            "Ishii=石井=いしい",
            "Hara=原=はら",
        ),
        (
            "Kazuko=和子=かずこ",
            "Sachi=幸=さち",
            "Fumiko=文子=ふみこ",
            "Haruko=春子=はるこ",
            "Yoshie=芳江=よしえ",
        ),
        (
            "Kenji=健二=けんじ",
            "Masao=正雄=まさお",
            "Shigeru=茂=しげる",
            "Isamu=勇=いさむ",
            "Hiroki=浩樹=ひろき",
        ),
    ),
    "chinese": Culture(
        ("ISO_IR 192",),
        "en",
        "虚拟人民医院",
        ("Wang=王", "Chen=陈", "Liu=刘", "Zhao=赵", "Zhou=周", "Lin=林"),
        ("Guilan=桂兰", "Xiuying=秀英", "Yuzhen=玉珍", "Shufen=淑芬", "Lihua=丽华"),
        ("Jianguo=建国", "Zhiqiang=志强", "Wenbin=文斌", "Haitao=海涛", "Deming=德明"),
    ),
    "vietnamese": Culture(
        ("ISO_IR 192",),
        "en",
        "Bệnh viện Mô phỏng",
        ("Nguyễn", "Trần", "Phạm", "Đặng", "Vũ", "Hồ"),
        ("Thị Hương", "Thị Ngọc", "Thị Bích", "Thị Tuyết", "Thị Lệ"),
        ("Văn Dũng", "Văn Hải", "Đức Thọ", "Quốc Bảo", "Minh Đạt"),
    ),
}


def draw_name(seed: int, sex: str) -> Name:
    """Draw a name from the patient's seed and sex alone.

    Parameters
    ----------
    seed : int
        Of the person.
    sex : {'F', 'M'}
        As PatientSex.
    """
    rng = np.random.default_rng([seed, _STREAM])
    culture = list(CULTURES.values())[int(rng.integers(len(CULTURES)))]
    given = culture.women if sex == "F" else culture.men
    family = culture.families[int(rng.integers(len(culture.families)))]
    first = given[int(rng.integers(len(given)))]
    scripts = zip(family.split("="), first.split("="), strict=True)
    return Name("=".join(f"{last}^{before}" for last, before in scripts), culture)
