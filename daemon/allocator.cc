// How jemalloc behaves, if the daemon is linked with it. It finds this by its name; MALLOC_CONF in
// the environment goes before it.

extern "C" {
// Few threads allocate, so two arenas do, and keep memory together. What is free for a while goes
// back to the system.
extern const char* const malloc_conf;
const char* const malloc_conf = "narenas:2,dirty_decay_ms:5000,muzzy_decay_ms:0";
}
