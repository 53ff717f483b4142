// Fetches documents that jobs name by https URLs, on a thread of its own.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "http/document_hosts.h"
#include "http/download.h"
#include "ports/document.h"
#include "runtime/inbox.h"

namespace llmbatch::http {

struct DocumentOptions {
  std::vector<std::string> hosts;  // as DocumentHosts takes them
  DownloadOptions download;
};

// Each FetchDocument is answered by exactly one DocumentFetched in the inbox, and leads to one GET
// at most. All that are handed over run at the same time.
class DocumentClient {
 public:
  // The error names the field. The inbox must outlive the client.
  static base::Result<std::unique_ptr<DocumentClient>> Start(DocumentOptions options,
                                                             runtime::Inbox& inbox);
  // Stops.
  ~DocumentClient();
  DocumentClient(const DocumentClient&) = delete;
  DocumentClient& operator=(const DocumentClient&) = delete;

  // From any thread; never blocks.
  void Execute(ports::FetchDocument command);
  // When the thread last came round; it does so every second. From any thread.
  base::Timestamp last_progress() const { return last_progress_; }
  // Gives up what is under way and ends the thread; the completions are in the inbox when it
  // returns. What is handed over later is given up at once.
  void Stop();

 private:
  struct MultiDeleter {
    void operator()(void* multi) const;
  };

  DocumentClient(DocumentHosts hosts, DownloadOptions options, runtime::Inbox& inbox, void* multi);
  void Run();
  bool TakeCommands();
  void Begin(const ports::FetchDocument& command);
  void CollectFinished();
  void AbortAll();
  void Complete(model::FetchId fetch, base::Result<std::string> text);

  const DocumentHosts hosts_;
  const DownloadOptions options_;
  runtime::Inbox& inbox_;
  std::unique_ptr<void, MultiDeleter> multi_;
  std::unordered_map<model::FetchId, std::unique_ptr<Download>> running_;
  std::atomic<base::Timestamp> last_progress_;

  std::mutex mutex_;
  std::vector<ports::FetchDocument> handed_over_;  // guarded by mutex_
  bool stopping_ = false;                          // guarded by mutex_
  std::thread thread_;
};

}  // namespace llmbatch::http
