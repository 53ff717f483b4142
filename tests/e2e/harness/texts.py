"""Texts of many languages and sizes, the same for the same seed."""

import math
import random

_SENTENCES = {
    "en": "The invoice lists the second delivery twice, so please refund one of them.",
    "de": "Die Größe stimmt nicht überein; könnten Sie mir bitte ein Rücksendeetikett schicken?",
    "fr": "Où est passée ma commande ? Le suivi s'arrête à l'entrepôt depuis dimanche.",
    "pl": "Zażółć gęślą jaźń: przesyłka dotarła uszkodzona, proszę o wymianę.",
    "el": "Ο λογαριασμός μου κλειδώθηκε μετά την αλλαγή του κωδικού.",
    "ru": "После обновления приложение закрывается, как только я открываю корзину.",
    "ar": "لم أستلم رسالة التأكيد حتى الآن، هل تم الدفع فعلاً؟",
    "he": "החשבונית נשלחה לכתובת הישנה, אפשר לתקן?",
    "hi": "मुझे पिछले महीने का बिल दो बार भेजा गया है।",
    "th": "สินค้าที่ได้รับไม่ตรงกับที่สั่งซื้อไว้",
    "zh": "我的订单已经付款,但页面一直显示等待处理。",
    "ja": "先週注文した商品がまだ届いていません。確認をお願いします。",
    "ko": "비밀번호를 바꾼 뒤로 로그인이 되지 않습니다.",
    "emoji": "👩🏽‍💻 works, 👎🏿 does not; \"quotes\", \\slashes\\ and {{braces}} stay as they are 🎉",
}
LANGUAGES = tuple(_SENTENCES)


def make_text(rng, language, size_bytes):
    """A text of about `size_bytes` bytes of UTF-8."""
    words = _SENTENCES[language].split(" ")
    parts, size = [], 0
    while size < size_bytes:
        word = rng.choice(words)
        parts.append(word)
        size += len(word.encode()) + 1
    return " ".join(parts)


def make_inputs(count, seed, least_bytes=50, most_bytes=8192, prefix="n"):
    """`count` inputs {id, language, text}; every language in turn, sizes spread evenly on a logarithmic scale."""
    rng = random.Random(seed)
    inputs = []
    for index in range(count):
        language = LANGUAGES[index % len(LANGUAGES)]
        size = math.exp(rng.uniform(math.log(least_bytes), math.log(most_bytes - 200)))
        inputs.append({"id": f"{prefix}{index:05d}", "language": language, "text": make_text(rng, language, size)})
    return inputs
