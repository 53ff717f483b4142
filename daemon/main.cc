// llmbatchd: consumes items from Kafka, packs them into batches, calls LLM providers, publishes
// results.
#include "program.h"

int main(int argc, char** argv) { return llmbatch::daemon::RunProgram(argc, argv, nullptr); }
