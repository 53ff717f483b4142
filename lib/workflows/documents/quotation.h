// Whether what is quoted from a document really stands there.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "json/value.h"
#include "json/writer.h"
#include "workflows/documents/document.h"

namespace llmbatch::workflows {

class Quotations {
 public:
  // The documents must outlive this.
  explicit Quotations(std::span<const Document> documents);

  // Blanks and ends of lines count as one blank; nothing is no quotation.
  bool Stands(std::string_view document_id, std::string_view quotation);
  // Writes an object as it is, but each of its `citations` [{"document", "quotation"}] that doesn't
  // stand there gets `"unverified": true`. Writes its members only: the object is begun by the
  // caller. Members named in `without` are left out.
  void WriteChecked(json::Writer& writer, json::Value answer,
                    std::span<const std::string_view> without);

 private:
  std::map<std::string_view, std::string_view> texts_;
  std::map<std::string_view, std::string> plain_;  // with single blanks; made when they are needed
};

}  // namespace llmbatch::workflows
