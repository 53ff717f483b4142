// C11 threads made of POSIX threads, for ThreadSanitizer alone: it crashes in threads that
// thrd_create made, and sees no order in what mtx_t and cnd_t guard. librdkafka uses them; glibc's
// are POSIX ones inside, so the objects are the same.
#include <errno.h>
#include <pthread.h>
#include <threads.h>

#include <cstdint>
#include <memory>

namespace {

struct Start {
  thrd_start_t function;
  void* argument;
};

void* Run(void* data) {
  const std::unique_ptr<Start> start(static_cast<Start*>(data));
  return reinterpret_cast<void*>(static_cast<std::intptr_t>(start->function(start->argument)));
}

int ToThrd(int error) {
  if (error == 0) return thrd_success;
  return error == ETIMEDOUT ? thrd_timedout : error == EBUSY ? thrd_busy : thrd_error;
}

pthread_mutex_t* Mutex(mtx_t* mutex) { return reinterpret_cast<pthread_mutex_t*>(mutex); }
pthread_cond_t* Condition(cnd_t* condition) { return reinterpret_cast<pthread_cond_t*>(condition); }

}  // namespace

extern "C" {

int thrd_create(thrd_t* thread, thrd_start_t function, void* argument) {
  return ToThrd(pthread_create(thread, nullptr, Run, new Start{function, argument}));
}
int thrd_join(thrd_t thread, int* result) {
  void* value = nullptr;
  const int error = pthread_join(thread, &value);
  if (result != nullptr) *result = static_cast<int>(reinterpret_cast<std::intptr_t>(value));
  return ToThrd(error);
}
int thrd_detach(thrd_t thread) { return ToThrd(pthread_detach(thread)); }

int mtx_init(mtx_t* mutex, int type) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  if ((type & mtx_recursive) != 0) {
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  }
  return ToThrd(pthread_mutex_init(Mutex(mutex), &attributes));
}
int mtx_lock(mtx_t* mutex) { return ToThrd(pthread_mutex_lock(Mutex(mutex))); }
int mtx_trylock(mtx_t* mutex) { return ToThrd(pthread_mutex_trylock(Mutex(mutex))); }
int mtx_unlock(mtx_t* mutex) { return ToThrd(pthread_mutex_unlock(Mutex(mutex))); }
void mtx_destroy(mtx_t* mutex) { pthread_mutex_destroy(Mutex(mutex)); }

int cnd_init(cnd_t* condition) { return ToThrd(pthread_cond_init(Condition(condition), nullptr)); }
int cnd_signal(cnd_t* condition) { return ToThrd(pthread_cond_signal(Condition(condition))); }
int cnd_broadcast(cnd_t* condition) { return ToThrd(pthread_cond_broadcast(Condition(condition))); }
int cnd_wait(cnd_t* condition, mtx_t* mutex) {
  return ToThrd(pthread_cond_wait(Condition(condition), Mutex(mutex)));
}
int cnd_timedwait(cnd_t* condition, mtx_t* mutex, const struct timespec* until) {
  return ToThrd(pthread_cond_timedwait(Condition(condition), Mutex(mutex), until));
}
void cnd_destroy(cnd_t* condition) { pthread_cond_destroy(Condition(condition)); }

}  // extern "C"
