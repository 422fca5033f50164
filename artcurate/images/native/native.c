/* What this library was compiled of, and whether it runs here. */

const char *native_sources(void) { return NATIVE_SOURCES; }

int native_runs_here(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
}
