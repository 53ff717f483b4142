// Texts of many languages and kinds, with what the o200k tokenizer makes of them.
#pragma once

#include <cstdint>
#include <string_view>

namespace llmbatch::tokens {

struct Sample {
  std::string_view name;
  std::int64_t true_tokens;  // o200k
  std::string_view text;
};

// clang-format off
inline constexpr Sample kSamples[] = {
    {"ar", 40,
     R"(كتبت العميلة مرة أخرى يوم الاثنين لأن جهاز التوجيه البديل لم يصل، مع أن صفحة الشحن قالت إنه سُلّم. وطلبت استرداد المال واعتذارًا.)"},
    {"base64", 84,
     R"(WK8izL1sf2d1exBqr6Esqpg2SizR0/tdTxN+jNe5+uGnevqz2Eudxmsaq6xQsPu8j4nsX3m9IhYWyl9wBgjsqRU9KIIVYqEb4wNIx6Qh6ClEOFyFfhAH17ld)"},
    {"chat_json", 87,
     R"([{"id":"7c31a0f9e2b84d56","messages":[{"role":"user","text":"Where is my parcel? The page has said \"out for delivery\" since Tuesday."},{"role":"agent","text":"I am sorry. It went back to the depot; you will have it tomorrow before noon."},{"role":"user","text":"Thanks, that works for me."}]}])"},
    {"chat_json_zh", 76,
     R"([{"id":"7c31a0f9e2b84d56","messages":[{"role":"user","text":"我的包裹在哪里？网页从星期二起一直显示正在派送。"},{"role":"agent","text":"很抱歉，包裹退回了仓库，明天中午前会送到。"}]}])"},
    {"cpp", 51,
     R"(template <typename T>
std::optional<T> Pop(std::deque<T>& queue) {
  if (queue.empty()) return std::nullopt;
  T front = std::move(queue.front());
  queue.pop_front();
  return front;
}
)"},
    {"de", 47,
     R"(Die Kundin schrieb am Montag noch einmal, weil der Ersatzrouter nicht angekommen war, obwohl die Sendungsverfolgung ihn als zugestellt führte. Sie bat um Rückerstattung und, recht höflich, um eine Entschuldigung.)"},
    {"el", 49,
     R"(Η πελάτισσα έγραψε ξανά τη Δευτέρα, επειδή ο νέος δρομολογητής δεν είχε φτάσει, αν και η εταιρεία μεταφορών έλεγε ότι είχε παραδοθεί.)"},
    {"emoji_chat", 34,
     R"(Great job team 🎉🎉 see you on Friday 😀👍 I can't wait for the party 🍕 bring your kids and a cake, we start at six 🎂)"},
    {"en", 38,
     R"(The customer wrote again on Monday because the replacement router had not arrived, although the courier's page said it was delivered. She asked for a refund and, somewhat politely, for an apology.)"},
    {"es", 43,
     R"(La clienta volvió a escribir el lunes porque el router de sustitución no había llegado, aunque el seguimiento decía que estaba entregado. Pidió un reembolso y, con bastante educación, una disculpa.)"},
    {"escaped_ru", 106,
     R"({"text": "\u0413\u0434\u0435 \u043c\u043e\u044f \u043f\u043e\u0441\u044b\u043b\u043a\u0430? \u0421 \u0432\u0442\u043e\u0440\u043d\u0438\u043a\u0430 \u0435\u0451 \u00ab\u0432\u0435\u0437\u0443\u0442\u00bb."})"},
    {"escaped_zh", 87,
     R"({"text": "\u6211\u7684\u5305\u88f9\u5728\u54ea\u91cc\uff1f\u7f51\u9875\u4ece\u661f\u671f\u4e8c\u8d77\u4e00\u76f4\u663e\u793a\u6b63\u5728\u6d3e\u9001\u3002"})"},
    {"fr", 45,
     R"(La cliente a écrit de nouveau lundi parce que le routeur de remplacement n'était pas arrivé, alors que le suivi indiquait qu'il avait été livré. Elle demandait un remboursement et, assez poliment, des excuses.)"},
    {"he", 42,
     R"(הלקוחה כתבה שוב ביום שני כי הנתב החלופי לא הגיע, אף שבאתר השליחויות נרשם שנמסר. היא ביקשה החזר כספי והתנצלות.)"},
    {"hi", 37,
     R"(ग्राहक ने सोमवार को फिर लिखा क्योंकि नया राउटर नहीं पहुँचा था, जबकि कूरियर के पन्ने पर लिखा था कि वह पहुँचा दिया गया है।)"},
    {"html", 52,
     R"(<div class="card"><h2>Order #48213</h2><p>Shipped on <b>3 May</b> to <a href="https://shop.example/orders/48213">your address</a>.</p></div>)"},
    {"ja", 44,
     R"(月曜日にお客様から再び連絡がありました。配送状況では配達済みとなっているのに、交換用のルーターがまだ届いていないとのことです。)"},
    {"ko", 38,
     R"(고객은 교체용 공유기가 아직 도착하지 않았다며 월요일에 다시 글을 보냈습니다. 배송 조회에는 배달이 끝났다고 나와 있었습니다.)"},
    {"log", 79,
     R"(2026-11-20T09:14:03.512Z WARN  worker-7 retry 3/8 for partition 12 offset 483920: connection reset by peer (10.0.4.17:9092)
2026-11-20T09:14:05.020Z INFO  worker-7 resumed partition 12 after 1508 ms)"},
    {"numbers", 87,
     R"(5273.80,1681.45,2729.14,7115.90,4547.02,3220.02
4737.71,236.35,3865.57,4209.19,1880.39,1087.62
8998.19,5101.16,2090.91,6056.49,8170.40,208.18)"},
    {"pl", 66,
     R"(Klientka napisała ponownie w poniedziałek, ponieważ router zastępczy nie dotarł, choć śledzenie przesyłki pokazywało, że został doręczony. Poprosiła o zwrot pieniędzy i, dość uprzejmie, o przeprosiny.)"},
    {"python", 67,
     R"(def total(rows, tax_rate=0.19):
    """Sum of all rows with tax."""
    amount = sum(row.price * row.quantity for row in rows)
    if amount < 0:
        raise ValueError(f"negative amount: {amount}")
    return round(amount * (1 + tax_rate), 2)
)"},
    {"ru", 51,
     R"(Клиентка снова написала в понедельник, потому что новый роутер так и не пришёл, хотя служба доставки считала его вручённым. Она попросила вернуть деньги и, довольно вежливо, извиниться.)"},
    {"th", 37,
     R"(ลูกค้าเขียนมาอีกครั้งในวันจันทร์เพราะเราเตอร์ตัวใหม่ยังมาไม่ถึง ทั้งที่หน้าเว็บของบริษัทขนส่งบอกว่าส่งแล้ว)"},
    {"tr", 49,
     R"(Müşteri pazartesi günü yeniden yazdı, çünkü kargo sayfası teslim edildiğini söylese de yedek yönlendirici gelmemişti. Para iadesi ve kibarca bir özür istedi.)"},
    {"uuids", 70,
     R"(05b6e6e3-07d4-bedc-5143-1193e6c3f339
025b413f-8a9a-021e-a648-a7dd06839eb9
afbd67f9-6196-99cf-e198-8ad9f06c144a)"},
    {"zh", 41,
     R"(客户星期一又写信来，说更换的路由器还没有收到，虽然快递网页显示已经送达。她要求退款，并且相当礼貌地要求道歉。)"},
};
// clang-format on

}  // namespace llmbatch::tokens
