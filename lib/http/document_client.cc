#include "http/document_client.h"

#include <curl/curl.h>
#include <unistd.h>

#include <system_error>
#include <utility>

#include "base/check.h"
#include "http/libcurl.h"
#include "ports/events.h"
#include "runtime/clock.h"

namespace llmbatch::http {
namespace {

// So that whoever watches the thread sees it come round.
constexpr int kLongestWaitMillis = 1'000;

base::Error GivenUp() { return base::MakeError(base::ErrorKind::kAborted, "given up"); }

}  // namespace

void DocumentClient::MultiDeleter::operator()(void* multi) const { curl_multi_cleanup(multi); }

base::Result<std::unique_ptr<DocumentClient>> DocumentClient::Start(DocumentOptions options,
                                                                    runtime::Inbox& inbox) {
  const bool ready = IsLibcurlReady();
  auto hosts = DocumentHosts::Create(options.hosts);
  if (!hosts) return hosts.error();
  const std::string& ca_file = options.download.ca_file;
  if (!ca_file.empty() && access(ca_file.c_str(), R_OK) != 0)
    return base::Invalid("documents.ca_file: can't be read");
  CURLM* const multi = curl_multi_init();
  if (!ready || multi == nullptr)
    return base::MakeError(base::ErrorKind::kInternal, "documents: no memory for libcurl");
  std::unique_ptr<DocumentClient> client(
      new DocumentClient(std::move(hosts).value(), std::move(options.download), inbox, multi));
  try {
    client->thread_ = std::thread([&client = *client] { client.Run(); });
  } catch (const std::system_error&) {
    return base::MakeError(base::ErrorKind::kInternal, "documents: no thread can be started");
  }
  return client;
}

DocumentClient::DocumentClient(DocumentHosts hosts, DownloadOptions options, runtime::Inbox& inbox,
                               void* multi)
    : hosts_(std::move(hosts)),
      options_(std::move(options)),
      inbox_(inbox),
      multi_(multi),
      last_progress_(runtime::ReadClock().steady) {}

DocumentClient::~DocumentClient() { Stop(); }

void DocumentClient::Execute(ports::FetchDocument command) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) {
      handed_over_.push_back(std::move(command));
      curl_multi_wakeup(multi_.get());
      return;
    }
  }
  Complete(command.fetch, GivenUp());
}

void DocumentClient::Stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  curl_multi_wakeup(multi_.get());
  thread_.join();
}

void DocumentClient::Run() {
  BlockSignals();
  while (TakeCommands()) {
    last_progress_ = runtime::ReadClock().steady;
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    CollectFinished();
    curl_multi_poll(multi_.get(), nullptr, 0, kLongestWaitMillis, nullptr);
  }
  AbortAll();
}

bool DocumentClient::TakeCommands() {
  std::vector<ports::FetchDocument> taken;
  bool go_on = true;
  {
    const std::lock_guard lock(mutex_);
    taken.swap(handed_over_);
    go_on = !stopping_;
  }
  for (const ports::FetchDocument& command : taken)
    go_on ? Begin(command) : Complete(command.fetch, GivenUp());
  return go_on;
}

void DocumentClient::Begin(const ports::FetchDocument& command) {
  auto url = hosts_.Parse(command.place.name);
  if (!url) return Complete(command.fetch, url.error());
  auto download =
      Download::Create(command.fetch, std::move(url).value(), command.max_bytes, options_);
  const bool begun =
      download != nullptr && curl_multi_add_handle(multi_.get(), download->handle()) == CURLM_OK;
  if (!begun) {
    return Complete(command.fetch,
                    base::MakeError(base::ErrorKind::kUnavailable, "no memory to fetch it"));
  }
  running_.emplace(command.fetch, std::move(download));
}

void DocumentClient::CollectFinished() {
  TakeEnded(multi_.get(), [this](void* owner, int curl_code) {
    auto node = running_.extract(static_cast<Download*>(owner)->id());
    LLMBATCH_CHECK(!node.empty());
    Complete(node.key(), node.mapped()->Take(curl_code));
  });
}

void DocumentClient::AbortAll() {
  for (auto& [fetch, download] : running_) {
    curl_multi_remove_handle(multi_.get(), download->handle());
    Complete(fetch, GivenUp());
  }
  running_.clear();
}

void DocumentClient::Complete(model::FetchId fetch, base::Result<std::string> text) {
  inbox_.Post(ports::DocumentFetched{.fetch = fetch, .text = std::move(text)});
}

}  // namespace llmbatch::http
