from __future__ import annotations

import os
import random
import subprocess
import sys

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from artcurate.text import languages
from artcurate.text.detector import guess
from artcurate.text.identify import Thresholds, check_declared

#: Captions as people write them, two per language.
CAPTIONS = {
    "amharic": ["ሴቲቱ በመስኮት ወደ ውጭ እየተመለከተች ነው", "ሥዕሉ በጣም ያስደስታል"],
    "arabic": ["المرأة تنظر من النافذة وتبدو حزينة", "بحر هادئ وسماء زرقاء تبعث على الراحة"],
    "bengali": ["মেয়েটি জানালার পাশে বসে আছে", "ছবিটি দেখে আমার মন শান্ত হয়"],
    "burmese": ["မိန်းကလေးသည် ပြတင်းပေါက်ဘေးတွင် ထိုင်နေသည်", "ဒီပန်းချီကားက လှပါတယ်"],
    "chinese": ["女人坐在窗边，看起来很忧伤。", "平静的大海让人放松"],
    "darija": ["هاد المرا جالسة حدا الشرجم وبزاف ديال الحزن فعينيها", "اللوحة زوينة بزاف"],
    "dutch": ["De vrouw zit bij het raam en ze kijkt naar de zee", "Het is een rustig beeld"],
    "emakhuwa": ["Muthiyana ola okhala vava ni anamwane awe", "Etthu ela ori yowo vanene"],
    "english": [
        "The woman sits by the window and she looks sad",
        "A calm sea under a grey sky makes me feel at peace",
    ],
    "french": [
        "La femme est assise près de la fenêtre et elle regarde la mer",
        "Les couleurs sombres me font peur",
    ],
    "german": [
        "Die Frau sitzt am Fenster und schaut auf das Meer",
        "Die dunklen Farben machen mir Angst",
    ],
    "greek": ["Η γυναίκα κάθεται δίπλα στο παράθυρο", "Η θάλασσα είναι ήρεμη"],
    "hausa": ["Wannan hoton yana nuna mace da take zaune kusa da taga", "Launin ya ba ni tsoro"],
    "hebrew": ["האישה יושבת ליד החלון ומביטה בים", "הים השקט מרגיע אותי"],
    "hindi": ["औरत खिड़की के पास बैठी है और उदास दिखती है", "शांत समुद्र मुझे सुकून देता है"],
    "igbo": ["Nwanyị a nọ ọdụ n'akụkụ windo ma ọ na-ele anya", "Foto a mara mma nke ukwuu"],
    "indonesian": [
        "Wanita itu duduk di dekat jendela dan terlihat sedih",
        "Laut yang tenang membuat saya merasa damai",
    ],
    "italian": [
        "La donna è seduta vicino alla finestra e guarda il mare",
        "I colori scuri mi fanno paura",
    ],
    "japanese": ["女の人が窓のそばに座っていて、悲しそうに見える。", "静かな海を見ると落ち着く"],
    "kazakh": ["Әйел терезенің жанында отыр және ол өте мұңды", "Тыныш теңіз мені жұбатады"],
    "kinyarwanda": [
        "Umugore yicaye iruhande rw'idirishya kandi arababaye cyane",
        "Iyi foto ni nziza",
    ],
    "korean": ["여자가 창가에 앉아 슬퍼 보인다", "고요한 바다를 보니 마음이 편안하다"],
    "kyrgyz": ["Аял терезенин жанында отурат жана ал абдан капалуу", "Бул сүрөт мени тынчтандырат"],
    "malay": [
        "Wanita itu duduk di tepi tingkap dan kelihatan sedih",
        "Laut yang tenang membuatkan saya berasa damai",
    ],
    "persian": [
        "زنی که کنار پنجره نشسته است غمگین به نظر می رسد",
        "این دریای آرام به من آرامش می دهد",
    ],
    "polish": ["Kobieta siedzi przy oknie i jest bardzo smutna", "Spokojne morze daje mi ukojenie"],
    "portuguese": [
        "A mulher está sentada à janela e não parece feliz",
        "O mar calmo me traz uma sensação de paz",
    ],
    "russian": ["Женщина сидит у окна, и она очень грустная", "Спокойное море меня утешает"],
    "sepedi": [
        "Mosadi o dutše kgauswi le lefasetere gomme o nyamile kudu",
        "Seswantšho se se botse",
    ],
    "setswana": ["Mosadi o dutse fa thoko ga letlhabaphefo mme o hutsafetse thata", "Se se ntle"],
    "spanish": [
        "La mujer está sentada junto a la ventana y parece triste",
        "El mar tranquilo me hace sentir paz",
    ],
    "swahili": [
        "Mwanamke huyu ameketi karibu na dirisha na anaonekana ana huzuni",
        "Picha hii ni nzuri",
    ],
    "tagalog": [
        "Ang babae ay nakaupo sa tabi ng bintana at malungkot siya",
        "Maganda ang mga kulay nito",
    ],
    "tamil": ["பெண் ஜன்னல் அருகில் அமர்ந்திருக்கிறாள்", "அமைதியான கடல் மனதுக்கு இதம் தருகிறது"],
    "telugu": ["ఆ స్త్రీ కిటికీ పక్కన కూర్చుని ఉంది", "ప్రశాంతమైన సముద్రం నాకు హాయిని ఇస్తుంది"],
    "thai": ["ผู้หญิงนั่งอยู่ริมหน้าต่างและดูเศร้า", "ทะเลที่สงบทำให้ฉันผ่อนคลาย"],
    "turkish": [
        "Kadın pencerenin yanında oturuyor ve çok üzgün",
        "Bu resim bana huzur veren bir his",
    ],
    "ukrainian": ["Жінка сидить біля вікна, і вона дуже сумна", "Спокійне море мене втішає"],
    "urdu": ["عورت کھڑکی کے پاس بیٹھی ہے اور اداس لگتی ہے", "پرسکون سمندر مجھے سکون دیتا ہے"],
    "uzbek": ["Ayol deraza yonida o'tiribdi va u juda g'amgin", "Бу расм менга жуда ёқади"],
    "vietnamese": [
        "Người phụ nữ ngồi bên cửa sổ và trông rất buồn",
        "Biển lặng làm tôi thấy bình yên",
    ],
    "xhosa": ["Umfazi uhleli ngasefestileni kwaye ulusizi kakhulu", "Lo mfanekiso mhle kakhulu"],
    "yoruba": ["Obìnrin náà jókòó lẹ́gbẹ̀ẹ́ fèrèsé, inú rẹ̀ kò sì dùn", "Àwòrán yìí dára púpọ̀"],
    "zulu": ["Owesifazane uhlezi ngasefasiteleni futhi udabukile kakhulu", "Lesi sithombe sihle"],
}
ROWS = [(language, text) for language, texts in CAPTIONS.items() for text in texts]


def check(
    rows: list[tuple[str, str | None]], thresholds: Thresholds | None = None
) -> list[tuple[str | None, str, bool | None]]:
    """(language_detected, language_method, language_agrees) of (declared language, text) rows."""
    declared, texts = zip(*rows, strict=True) if rows else ((), ())
    verdicts = check_declared(
        pl.Series(texts, dtype=pl.String),
        pl.Series(declared, dtype=pl.String),
        languages.bundled(),
        thresholds or Thresholds(),
    )
    return verdicts.rows()


def test_every_language_has_captions_here() -> None:
    assert set(CAPTIONS) == set(languages.bundled().names)


@pytest.mark.parametrize("language", sorted(CAPTIONS))
def test_captions_do_not_contradict_their_language(language: str) -> None:
    verdicts = check([(language, text) for text in CAPTIONS[language]])
    assert all(agrees is not False for _, _, agrees in verdicts)
    assert verdicts[0][0] == language
    assert verdicts[0][2] is True


@pytest.mark.parametrize("declared", ["english", "arabic", "chinese", "spanish", "korean"])
def test_no_caption_passes_for_another_language(declared: str) -> None:
    foreign = [
        (language, text)
        for language, text in ROWS
        if language != declared and not languages.bundled().confusable(language, declared)
    ]
    verdicts = check([(declared, text) for _, text in foreign])
    passed = [row for row, verdict in zip(foreign, verdicts, strict=True) if verdict[2] is True]
    assert passed == []


@pytest.mark.parametrize(
    ("declared", "language"),
    [
        ("english", "spanish"),
        ("english", "german"),
        ("english", "turkish"),
        ("english", "vietnamese"),
        ("english", "swahili"),
        ("spanish", "english"),
        ("zulu", "english"),
        ("yoruba", "english"),
        ("arabic", "persian"),
        ("arabic", "urdu"),
        ("urdu", "arabic"),
        ("persian", "arabic"),
        ("russian", "kazakh"),
        ("kazakh", "kyrgyz"),
        ("chinese", "japanese"),
        ("english", "chinese"),
        ("chinese", "korean"),
        ("hindi", "urdu"),
        ("korean", "english"),
    ],
)
def test_contradictions_are_found_and_named(declared: str, language: str) -> None:
    found, _, agrees = check([(declared, CAPTIONS[language][0])])[0]
    assert agrees is False
    assert found == language


def test_chinese_declared_to_be_japanese() -> None:
    text = "这个女人坐在窗边，她的样子让我觉得很难过"
    assert check([("japanese", text)]) == [("chinese", "function_words", False)]


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ("english", "Sunset"),
        ("spanish", "Mar"),
        ("english", "1914 - !?"),
        ("arabic", "😀😀"),
        ("chinese", "wow"),
        ("japanese", "美麗風景"),
        ("igbo", "Okwu"),
        ("english", ""),
        ("english", None),
    ],
)
def test_too_little_to_decide(declared: str, text: str | None) -> None:
    assert check([(declared, text)]) == [(None, "undecidable", None)]


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ("chinese", "这幅画是Impressionism风格，让人放松"),
        ("arabic", "لوحة جميلة تذكرني بفيلم Titanic"),
        ("english", "The word 爱 is written on the wall and it makes me smile"),
        ("english", "It says 'la vie est belle' above the door of the house"),
        ("korean", "이 그림은 Van Gogh 느낌이 난다"),
        ("japanese", "この絵はRenoirみたいで明るい"),
        ("tagalog", "Ang painting na ito ay very relaxing para sa akin"),
        ("tagalog", "Ang art na ito is very nice and the colors are soft and it makes me happy"),
        ("chinese", "温暖の阳光照在草地上，让人感到幸福"),
        ("chinese", "幸福の家庭"),
    ],
)
def test_a_quotation_is_no_contradiction(declared: str, text: str) -> None:
    assert check([(declared, text)])[0][2] is not False


def test_close_languages_never_contradict_each_other() -> None:
    pairs = [
        (one, text)
        for group in languages.bundled().close
        for one in sorted(group)
        for other in sorted(group)
        for text in CAPTIONS[other]
    ]
    assert all(agrees is not False for _, _, agrees in check(pairs))


def test_langdetect_decides_what_words_leave_open() -> None:
    text = "Gloomy empty streets, heavy rain everywhere"
    assert check([("english", text)]) == [("english", "langdetect", True)]
    unasked = Thresholds(langdetect_letters=100)
    assert check([("english", text)], unasked) == [(None, "undecidable", None)]


def test_langdetect_is_not_asked_about_languages_it_does_not_know() -> None:
    text = "Gloomy empty streets, heavy rain from everywhere"
    assert check([("kinyarwanda", text)]) == [(None, "undecidable", None)]


def test_langdetect_contradicts_only_with_words_on_its_side() -> None:
    text = "Umbrella sea street blue quiet happy"
    mistaken = guess(text, seed=0)
    assert mistaken is not None
    assert mistaken.code == "fr"
    assert mistaken.probability > 0.99
    assert check([("english", text)]) == [(None, "undecidable", None)]


def test_the_thresholds_of_a_contradiction() -> None:
    quoting = "Impressionism 的画"
    assert check([("chinese", quoting)])[0][2] is None
    assert check([("chinese", quoting)], Thresholds(script_share=0.8))[0][2] is False
    short = "bad"
    assert check([("chinese", short)])[0][2] is None
    assert check([("chinese", short)], Thresholds(min_letters=3))[0][2] is False
    few_words = "Isla con palmeras y cielo, los pescadores"
    margin = Thresholds(langdetect_letters=1000)
    assert check([("english", few_words)], margin)[0][2] is False
    strict = Thresholds(vote_margin=5, langdetect_letters=1000)
    assert check([("english", few_words)], strict)[0][2] is None


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(CAPTIONS)),
            st.one_of(
                st.none(),
                st.text(max_size=60),
                st.lists(st.sampled_from([text for _, text in ROWS]), max_size=3).map(" ".join),
            ),
        ),
        max_size=5,
    )
)
def test_the_columns_fit_each_other_whatever_the_text(rows: list[tuple[str, str | None]]) -> None:
    for (declared, _), (detected, method, agrees) in zip(rows, check(rows), strict=True):
        assert (method == "undecidable") == (agrees is None)
        assert (detected == declared) == (agrees is True)
        if agrees is None:
            assert detected is None


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(ROWS), max_size=12), st.sampled_from(sorted(CAPTIONS)))
def test_a_row_is_judged_alone(rows: list[tuple[str, str]], declared: str) -> None:
    declared_rows = [(declared, text) for _, text in rows]
    alone = [check([row])[0] for row in declared_rows]
    assert check(declared_rows) == alone


def test_order_and_number_of_rows_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(declared, text) for declared in ("english", "urdu", "kyrgyz") for _, text in ROWS]
    expected = dict(zip(rows, check(rows), strict=True))
    random.Random(3).shuffle(rows)
    monkeypatch.setattr("artcurate.text.identify._ROWS", 7)
    monkeypatch.setattr("artcurate.text.scripts._ROWS", 3)
    assert dict(zip(rows, check(rows), strict=True)) == expected


def test_python_s_hash_seed_does_not_matter() -> None:
    program = (
        "import polars as pl\n"
        "from artcurate.text import languages\n"
        "from artcurate.text.identify import Thresholds, check_declared\n"
        f"texts = {[text for _, text in ROWS]!r}\n"
        "declared = pl.Series(['english'] * len(texts))\n"
        "print(check_declared(pl.Series(texts), declared, languages.bundled(), Thresholds())"
        ".rows())\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            encoding="utf-8",
        ).stdout
        for seed in ("0", "4242")
    }
    assert outputs == {f"{check([('english', text) for _, text in ROWS])}\n"}
