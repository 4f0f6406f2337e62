/// TANDEM_EXPORT marks the symbols that the shared library shows; all others are hidden.
#pragma once

#if defined(TANDEM_STATIC) || !defined(__GNUC__)
#define TANDEM_EXPORT
#else
#define TANDEM_EXPORT __attribute__((visibility("default")))
#endif
