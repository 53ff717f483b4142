#include "model/origin.h"

namespace llmbatch::model {

std::string ToString(const Origin& origin) {
  std::string text = origin.partition.topic;
  text += '/';
  text += std::to_string(origin.partition.partition);
  text += '/';
  text += std::to_string(origin.offset);
  if (origin.index) {
    text += '#';
    text += std::to_string(*origin.index);
  }
  return text;
}

}  // namespace llmbatch::model
