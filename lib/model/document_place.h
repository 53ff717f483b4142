// DocumentPlace: where a document is that a message names and doesn't have in it.
#pragma once

#include <string>
#include <string_view>

namespace llmbatch::model {

struct DocumentPlace {
  enum class Store {
    kKept,  // among the user's documents at the coordinator
    kHttps
  };
  Store store = Store::kKept;
  std::string name;  // the document's among the user's; or the whole URL, which may be a secret

  friend bool operator==(const DocumentPlace&, const DocumentPlace&) = default;
};

constexpr std::string_view ToString(DocumentPlace::Store store) {
  return store == DocumentPlace::Store::kKept ? "redis" : "https";
}

}  // namespace llmbatch::model
