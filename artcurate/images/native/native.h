/* What of the library is called from outside; the rest is compiled with hidden names. */
#define EXPORTED __attribute__((visibility("default")))
