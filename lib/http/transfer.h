// One POST on a libcurl handle, and what became of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "http/end_mark.h"
#include "http/endpoint.h"
#include "model/ids.h"
#include "model/item.h"
#include "ports/commands.h"
#include "ports/record.h"

struct curl_slist;

namespace llmbatch::http {

// A provider as a transfer needs it. Outlives the transfers made for it.
struct Provider {
  std::string name;
  Endpoint endpoint;
  std::string user_agent;
};

// Serves one call after another of the same provider, so that what never changes is set only once.
// Belongs to the driver's thread. Must not move or end while a Multi runs it.
class Transfer {
 public:
  // REQUIRES: the provider's endpoint is valid. nullptr: libcurl is out of memory.
  static std::unique_ptr<Transfer> Create(const Provider& provider);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // Takes the next call; on a failure nothing has been sent and the call has its outcome.
  std::optional<ports::TransportFailure> Prepare(ports::StartCall start, base::Duration time_left);

  // What became of the call, for libcurl's result code. Call once, after the Multi let go of it.
  ports::HttpOutcome TakeOutcome(int curl_code);
  // The same for a call that was given up by us.
  ports::TransportFailure TakeAborted();
  // The same for a call whose response came to a halt, which is none if its last event is there.
  ports::HttpOutcome TakeHalted();

  // Whether the call has a limit for pauses in its response, and whether that has passed.
  bool may_halt() const {
    return call_.idle_timeout > base::Duration::zero() || call_.end_mark.is_expected();
  }
  bool IsHalted(base::Timestamp now) const;

  model::CallId call() const { return call_.id; }
  const Provider& provider() const { return *provider_; }
  // The CURL* for the Multi.
  void* handle() const { return handle_.get(); }

 private:
  struct Callbacks;
  struct HandleDeleter {
    void operator()(void* handle) const;
  };
  // Overwrites its texts when it goes: there are credentials in them.
  struct HeaderListDeleter {
    void operator()(curl_slist* list) const;
  };
  using HeaderList = std::unique_ptr<curl_slist, HeaderListDeleter>;

  struct Call {
    model::CallId id;
    std::string body;
    base::Duration time_left{};
    base::Duration idle_timeout{};              // 0: none
    std::optional<base::Timestamp> last_piece;  // kept only with a limit
    std::size_t max_response_bytes = 0;
    EndMark end_mark;
    ports::HttpResponse response;
    std::size_t header_bytes = 0;
    int sends_begun = 0;
    bool in_headers = false;
    bool address_refused = false;
    bool too_large = false;
  };

  explicit Transfer(const Provider& provider);
  bool SetConstantOptions();
  bool SetCallOptions(const std::string& path);
  HeaderList MakeHeaderList(const std::vector<model::Header>& headers) const;
  bool HasResponse(int curl_code) const;
  ports::HttpResponse TakeResponse();
  void HideCredentials(std::string& body) const;
  ports::TransportFailure Failure(int curl_code) const;
  ports::TransportFault FaultOf(int curl_code) const;
  std::string Describe(int curl_code) const;

  std::size_t OnHeader(std::string_view line);
  std::size_t OnBody(std::string_view piece);

  const Provider* provider_;
  std::unique_ptr<void, HandleDeleter> handle_;
  std::string path_;                    // that the handle's URL was made from
  std::vector<model::Header> headers_;  // those that header_list_ was made from
  HeaderList header_list_;
  Call call_;
};

}  // namespace llmbatch::http
