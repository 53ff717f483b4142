// Loaded before a program's own libraries: the thread of it that FAIL_THREAD numbers can't be
// started. That it came to that is told by the file REFUSED_FILE.
#include <dlfcn.h>
#include <pthread.h>
#include <threads.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace {

using Start = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);

std::atomic<long> threads{0};

bool Fails() {
  static const long failing = [] {
    const char* text = std::getenv("FAIL_THREAD");
    return text == nullptr ? 0L : std::atol(text);
  }();
  if (++threads != failing) return false;
  if (const char* told = std::getenv("REFUSED_FILE")) {
    if (std::FILE* file = std::fopen(told, "w")) std::fclose(file);
  }
  return true;
}

}  // namespace

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*run)(void*), void* argument) {
  if (Fails()) return EAGAIN;
  static const auto next = reinterpret_cast<Start>(dlsym(RTLD_NEXT, "pthread_create"));
  return next(thread, attributes, run, argument);
}

// librdkafka's.
extern "C" int thrd_create(thrd_t* thread, thrd_start_t run, void* argument) {
  if (Fails()) return thrd_error;
  static const auto next =
      reinterpret_cast<int (*)(thrd_t*, thrd_start_t, void*)>(dlsym(RTLD_NEXT, "thrd_create"));
  return next(thread, run, argument);
}
