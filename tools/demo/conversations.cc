#include "conversations.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace llmbatch::demo {
namespace {

constexpr std::size_t kLines = 5;

struct Phrases {
  std::string_view language;
  std::string_view customer;
  std::string_view agent;
  std::array<std::string_view, kLines> complaints;
  std::array<std::string_view, kLines> replies;
  std::array<std::string_view, kLines> endings;
};

constexpr std::array<Phrases, 8> kPhrases{{
    {"en",
     "Customer",
     "Agent",
     {"My parcel was meant to come on Monday and the tracking page has not moved since.",
      "I was charged twice for the same month, once on the 3rd and once on the 5th.",
      "The app signs me out whenever I open the invoices.",
      "I would like to move my contract to another address from next month.",
      "The router blinks orange and nothing I tried has helped."},
     {"I am sorry to hear that. May I have the order number?",
      "Let me look that up for you, it takes a moment.",
      "I can see it here. The second booking will be returned within three days.",
      "Could you tell me which version of the app you use?",
      "I have restarted the line from our side."},
     {"That works now, thank you!", "Fine, I will wait until Thursday.",
      "This is the third time, I want to cancel.",
      "Please put me through to somebody who can decide that.", "All right, good-bye."}},
    {"de",
     "Kundin",
     "Beraterin",
     {"Mein Paket sollte am Montag kommen, seitdem steht die Sendungsverfolgung still.",
      "Mir wurde derselbe Monat zweimal abgebucht.",
      "Die App meldet mich ab, sobald ich die Rechnungen öffne.",
      "Ich möchte meinen Vertrag ab nächstem Monat an eine andere Adresse mitnehmen.",
      "Der Router blinkt orange, und nichts hat geholfen."},
     {"Das tut mir leid. Nennen Sie mir bitte die Bestellnummer?",
      "Ich schaue nach, einen Augenblick bitte.",
      "Ich sehe es hier, die zweite Buchung wird in drei Tagen erstattet.",
      "Welche Version der App verwenden Sie?", "Ich habe die Leitung von hier aus neu gestartet."},
     {"Jetzt geht es, vielen Dank!", "Gut, ich warte bis Donnerstag.",
      "Das ist das dritte Mal, ich möchte kündigen.",
      "Bitte verbinden Sie mich mit jemandem, der das entscheiden kann.",
      "In Ordnung, auf Wiederhören."}},
    {"fr",
     "Client",
     "Conseillère",
     {"Mon colis devait arriver lundi et le suivi n'a pas bougé depuis.",
      "On m'a prélevé deux fois le même mois.",
      "L'application me déconnecte dès que j'ouvre mes factures.",
      "Je voudrais transférer mon contrat à une autre adresse le mois prochain.",
      "Le routeur clignote en orange et rien n'y fait."},
     {"Je suis désolée. Puis-je avoir le numéro de commande ?",
      "Je regarde, un instant s'il vous plaît.",
      "Je le vois, le second prélèvement sera remboursé sous trois jours.",
      "Quelle version de l'application utilisez-vous ?", "J'ai relancé la ligne de notre côté."},
     {"Cela marche maintenant, merci !", "Bien, j'attendrai jusqu'à jeudi.",
      "C'est la troisième fois, je veux résilier.", "Passez-moi quelqu'un qui peut décider.",
      "D'accord, au revoir."}},
    {"es",
     "Cliente",
     "Agente",
     {"Mi paquete debía llegar el lunes y el seguimiento no se ha movido.",
      "Me cobraron dos veces el mismo mes.",
      "La aplicación cierra la sesión cuando abro las facturas.",
      "Quisiera llevar mi contrato a otra dirección el mes que viene.",
      "El router parpadea en naranja y nada ha servido."},
     {"Lo siento mucho. ¿Me da el número de pedido?", "Lo miro, un momento por favor.",
      "Ya lo veo, el segundo cargo se devolverá en tres días.",
      "¿Qué versión de la aplicación usa?", "He reiniciado la línea desde aquí."},
     {"Ahora funciona, ¡gracias!", "Bien, espero hasta el jueves.",
      "Es la tercera vez, quiero darme de baja.", "Páseme con alguien que pueda decidirlo.",
      "De acuerdo, adiós."}},
    {"zh",
     "客户",
     "客服",
     {"我的包裹本来星期一应该到，但是物流信息一直没有更新。", "同一个月的费用被扣了两次。",
      "我一打开账单，应用就自动退出登录。", "我想从下个月起把合同转到另一个地址。",
      "路由器一直闪橙色的灯，怎么试都没有用。"},
     {"非常抱歉，请问您的订单号是多少？", "我帮您查一下，请稍等。",
      "我看到了，第二笔扣款会在三天内退还。", "请问您使用的是哪个版本的应用？",
      "我已经从我们这边重启了线路。"},
     {"现在好了，谢谢！", "好的，我等到星期四。", "这已经是第三次了，我要取消服务。",
      "请帮我转接能做决定的人。", "好的，再见。"}},
    {"ja",
     "お客様",
     "担当者",
     {"月曜日に届くはずの荷物が、追跡ページでずっと動いていません。",
      "同じ月の料金が二回引き落とされました。", "請求書を開くとアプリからログアウトされます。",
      "来月から契約を別の住所に移したいのですが。",
      "ルーターがオレンジ色に点滅していて、何をしても直りません。"},
     {"申し訳ございません。ご注文番号をお願いできますか。", "お調べしますので少々お待ちください。",
      "確認できました。二回目の分は三日以内に返金されます。",
      "アプリのバージョンを教えていただけますか。", "こちらから回線を再起動しました。"},
     {"直りました。ありがとうございます。", "わかりました、木曜日まで待ちます。",
      "これで三回目です。解約します。", "決められる方に代わってください。",
      "わかりました、失礼します。"}},
    {"ru",
     "Клиент",
     "Оператор",
     {"Посылка должна была прийти в понедельник, а статус с тех пор не меняется.",
      "С меня дважды списали за один и тот же месяц.",
      "Приложение выходит из учётной записи, когда я открываю счета.",
      "Хочу перенести договор на другой адрес со следующего месяца.",
      "Роутер мигает оранжевым, и ничего не помогает."},
     {"Мне очень жаль. Назовите, пожалуйста, номер заказа.", "Сейчас посмотрю, одну минуту.",
      "Вижу, второе списание вернётся в течение трёх дней.", "Какая у вас версия приложения?",
      "Я перезапустил линию с нашей стороны."},
     {"Теперь работает, спасибо!", "Хорошо, подожду до четверга.",
      "Это уже третий раз, я хочу отключиться.", "Соедините меня с тем, кто может это решить.",
      "Ладно, до свидания."}},
    {"ar",
     "العميل",
     "الموظف",
     {"كان من المفترض أن يصل الطرد يوم الاثنين ولم تتغير حالة التتبع.",
      "تم خصم اشتراك الشهر نفسه مرتين.", "يخرجني التطبيق من حسابي كلما فتحت الفواتير.",
      "أريد نقل العقد إلى عنوان آخر ابتداء من الشهر القادم.",
      "جهاز التوجيه يومض باللون البرتقالي ولم ينفع شيء."},
     {"أعتذر عن ذلك. هل يمكنني معرفة رقم الطلب؟", "سأتحقق من الأمر، لحظة من فضلك.",
      "أرى ذلك، سيعاد المبلغ الثاني خلال ثلاثة أيام.", "ما إصدار التطبيق الذي تستخدمه؟",
      "أعدت تشغيل الخط من جانبنا."},
     {"يعمل الآن، شكرا!", "حسنا، سأنتظر حتى يوم الخميس.", "هذه هي المرة الثالثة، أريد الإلغاء.",
      "حولني إلى شخص يستطيع اتخاذ القرار.", "حسنا، مع السلامة."}},
}};

constexpr std::array<std::string_view, 3> kChannels{"chat", "phone", "mail"};

void Say(std::string& transcript, std::string_view who, std::string_view what) {
  transcript += who;
  transcript += ": ";
  transcript += what;
  transcript += '\n';
}

}  // namespace

Conversation MakeConversation(base::Rng& rng) {
  const Phrases& phrases = kPhrases[rng.Below(kPhrases.size())];
  Conversation conversation{.language = std::string(phrases.language),
                            .channel = std::string(kChannels[rng.Below(kChannels.size())]),
                            .transcript = {}};
  const std::uint64_t turns = 1 + rng.Below(6);
  for (std::uint64_t i = 0; i < turns; ++i) {
    Say(conversation.transcript, phrases.customer, phrases.complaints[rng.Below(kLines)]);
    Say(conversation.transcript, phrases.agent, phrases.replies[rng.Below(kLines)]);
  }
  Say(conversation.transcript, phrases.customer, phrases.endings[rng.Below(kLines)]);
  return conversation;
}

}  // namespace llmbatch::demo
