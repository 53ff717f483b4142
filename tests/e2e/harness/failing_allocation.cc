// Loaded before a program's own libraries: one allocation of it fails.
#include <dlfcn.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

std::atomic<long> allocations{0};

bool Fails() {
  static const long failing = [] {
    const char* text = std::getenv("FAIL_ALLOCATION");
    return text == nullptr ? 0L : std::atol(text);
  }();
  return ++allocations == failing;
}

void* (*NextMalloc())(std::size_t) {
  static auto* const next = reinterpret_cast<void* (*)(std::size_t)>(dlsym(RTLD_NEXT, "malloc"));
  return next;
}

}  // namespace

extern "C" void* malloc(std::size_t size) {
  if (Fails()) {
    errno = ENOMEM;
    return nullptr;
  }
  return NextMalloc()(size);
}

void* operator new(std::size_t size) {
  if (void* memory = malloc(size)) return memory;
  throw std::bad_alloc();
}

void* operator new[](std::size_t size) { return operator new(size); }
