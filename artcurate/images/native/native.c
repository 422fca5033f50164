/* What this library was compiled of, and whether it runs here. */

#include "native.h"

EXPORTED const char *native_sources(void) { return NATIVE_SOURCES; }

/* Without the instructions that it asks for. */
EXPORTED __attribute__((target("no-avx,no-bmi,no-bmi2"))) int native_runs_here(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("bmi2");
}
