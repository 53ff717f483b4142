#include "ports/record.h"

namespace llmbatch::ports {

std::string_view ToString(TransportFault fault) {
  switch (fault) {
    case TransportFault::kConnect:
      return "connect";
    case TransportFault::kTimeout:
      return "timeout";
    case TransportFault::kConnectionLost:
      return "connection_lost";
    case TransportFault::kResponseTooLarge:
      return "response_too_large";
    case TransportFault::kRefused:
      return "refused";
    case TransportFault::kAborted:
      return "aborted";
  }
  return "connect";
}

}  // namespace llmbatch::ports
